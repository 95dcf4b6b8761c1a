//! Conditions of a rule.

use opentelemetry::trace::SpanKind;

use super::pattern::Pattern;
use crate::{
    base::error::TelemetryError,
    trace::sampler::input::{AttributeKey, Matching, SamplingInput},
};

/// Conditions that a span must meet. All of them must be met; without any, every span matches.
///
/// In patterns `*` matches any number of characters and `?` matches one. The comparison is case-sensitive.
///
/// ```
/// use tracing_core_ext::trace::SpanMatch;
///
/// let search = SpanMatch::new().method("GET").path("/search/*");
/// # drop(search);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "conditions have no effect without a rule"]
pub struct SpanMatch {
    kinds: Vec<SpanKind>,
    parents: Vec<SpanParent>,
    attributes: Vec<AttributeMatch>,
    invalid: Option<Invalid>,
}

/// Kind of the parent of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanParent {
    /// The span starts a trace.
    None,
    /// The parent is a span of another process.
    Remote,
    /// The parent is a span of this process.
    Local,
}

/// Patterns of the value of one attribute.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AttributeMatch {
    pub(crate) key: AttributeKey,
    /// Without any, all values are included.
    pub(crate) included: Vec<Pattern>,
    pub(crate) excluded: Vec<Pattern>,
    /// Whether the included values are a list of values without wildcards.
    pub(crate) is_list: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Invalid {
    setting: &'static str,
    value: String,
    expected: &'static str,
}

impl SpanMatch {
    /// Matches every span.
    pub fn new() -> Self {
        Self::default()
    }

    /// Matches server spans whose `url.path` matches `pattern`, such as `/health` or `/internal/*`.
    pub fn path(self, pattern: &str) -> Self {
        self.path_attribute("SpanMatch::path()", "url.path", pattern)
    }

    /// Matches server spans whose `http.route` matches `pattern`. It is the route as the router is given it, such as
    /// `/items/{id}`.
    ///
    /// On actix-web the pattern of the path is compared before routing; guards may select another resource. If no route
    /// is known when the span starts, as on axum outside of the router, the rule is applied when the request ends, as
    /// [`SamplingRules`](super::SamplingRules) documents.
    pub fn route(self, pattern: &str) -> Self {
        self.path_attribute("SpanMatch::route()", "http.route", pattern)
    }

    /// Matches spans with this request method: `http.request.method`.
    pub fn method(self, method: &str) -> Self {
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let is_valid = !method.is_empty() && method.bytes().all(is_token);
        let expected = "a request method such as GET";
        let this = self.check("SpanMatch::method()", method, is_valid, expected);
        this.attribute_values("http.request.method", [method])
    }

    /// Matches spans of this kind. Several kinds are alternatives.
    pub fn kind(mut self, kind: SpanKind) -> Self {
        self.kinds.push(kind);
        self
    }

    /// Matches spans with this kind of parent. Several are alternatives.
    pub fn parent(mut self, parent: SpanParent) -> Self {
        self.parents.push(parent);
        self
    }

    /// Matches spans that start with this attribute and a value that matches `pattern`. Values of other types are
    /// compared as text, and of an array at least one item must match.
    pub fn attribute(self, key: &str, pattern: &str) -> Self {
        self.attribute_patterns(key, [pattern], [])
    }

    /// Matches spans that start with this attribute and one of these values, which are no patterns.
    pub fn attribute_values<'a>(
        self,
        key: &str,
        values: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let included: Vec<_> = values.into_iter().map(Pattern::exact).collect();
        let expected = "at least one value";
        let setting = "SpanMatch::attribute_values()";
        let this = self.check(setting, key, !included.is_empty(), expected);
        this.attribute_match(setting, key, (included, Vec::new()), true)
    }

    /// Matches spans that start with this attribute and a value that matches a pattern of `included` and none of
    /// `excluded`. If `included` is empty, all values are included.
    pub fn attribute_patterns<'a>(
        self,
        key: &str,
        included: impl IntoIterator<Item = &'a str>,
        excluded: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let included = included.into_iter().map(Pattern::new).collect();
        let excluded = excluded.into_iter().map(Pattern::new).collect();
        self.attribute_match("SpanMatch::attribute_patterns()", key, (included, excluded), false)
    }

    fn path_attribute(self, setting: &'static str, key: &str, pattern: &str) -> Self {
        let expected = "a pattern that starts with / or *, such as /health";
        let this = self.check(setting, pattern, pattern.starts_with(['/', '*']), expected);
        this.attribute_patterns(key, [pattern], [])
    }

    fn attribute_match(
        self,
        setting: &'static str,
        key: &str,
        (included, excluded): (Vec<Pattern>, Vec<Pattern>),
        is_list: bool,
    ) -> Self {
        let mut this = self.check(setting, key, !key.is_empty(), "an attribute with a key");
        let key = AttributeKey::new(key);
        this.attributes.push(AttributeMatch { key, included, excluded, is_list });
        this
    }

    /// Stores the first error, which the builder of the rules returns.
    fn check(
        mut self,
        setting: &'static str,
        value: &str,
        is_valid: bool,
        expected: &'static str,
    ) -> Self {
        if !is_valid && self.invalid.is_none() {
            self.invalid = Some(Invalid { setting, value: value.to_owned(), expected });
        }
        self
    }

    pub(crate) fn validate(&self) -> Result<(), TelemetryError> {
        match &self.invalid {
            None => Ok(()),
            Some(Invalid { setting, value, expected }) => {
                Err(TelemetryError::setting(setting, value, *expected))
            }
        }
    }

    /// Whether every span matches.
    pub(crate) fn is_unconditional(&self) -> bool {
        self.kinds.is_empty() && self.parents.is_empty() && self.attributes.is_empty()
    }

    pub(crate) fn kinds(&self) -> &[SpanKind] {
        &self.kinds
    }

    pub(crate) fn parents(&self) -> &[SpanParent] {
        &self.parents
    }

    pub(crate) fn attributes(&self) -> &[AttributeMatch] {
        &self.attributes
    }

    /// Compares a span. The result is [`Matching::Late`] if only the route decides and is not known yet.
    pub(crate) fn compare(&self, input: &SamplingInput<'_>) -> Matching {
        let has_kind = self.kinds.is_empty() || self.kinds.contains(input.kind);
        let parent = || SpanParent::new(input);
        let has_parent = || self.parents.is_empty() || self.parents.contains(&parent());
        if !has_kind || !has_parent() {
            return Matching::No;
        }
        let mut result = Matching::Yes;
        for attribute in &self.attributes {
            match attribute.compare(input) {
                Matching::Yes => {}
                Matching::No => return Matching::No,
                Matching::Late => result = Matching::Late,
            }
        }
        result
    }
}

impl SpanParent {
    fn new(input: &SamplingInput<'_>) -> Self {
        match input.parent {
            None => Self::None,
            Some(parent) if parent.is_remote => Self::Remote,
            Some(_) => Self::Local,
        }
    }
}

impl AttributeMatch {
    fn compare(&self, input: &SamplingInput<'_>) -> Matching {
        let matches_any =
            |patterns: &[Pattern], text: &str| patterns.iter().any(|it| it.matches(text));
        let is_included =
            |text: &str| self.included.is_empty() || matches_any(&self.included, text);
        let mut test = |text: &str| is_included(text) && !matches_any(&self.excluded, text);
        input.attributes.compare(&self.key, &mut test)
    }
}
