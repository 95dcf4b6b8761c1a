use std::borrow::Cow;

use super::facts::Facts;

/// Attribute that sampling rules read without a description of the span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EarlyKey {
    Method,
    Path,
    Route,
}

/// Value of an attribute before the span is described.
#[derive(Debug, PartialEq)]
pub(crate) enum EarlyValue<'a> {
    Known(Cow<'a, str>),
    Absent,
    /// The route is not known before the response.
    Late,
    /// Only the description has the value.
    Undescribed,
}

/// The name of a span and the attributes that it starts with.
pub(crate) trait SpanAttributes {
    /// Adds the attributes of a span that is recorded, and returns the name.
    fn describe(&self, facts: &mut Facts) -> Cow<'static, str>;

    /// Adds the attributes for a sampler that has not decided yet, and returns the name. If
    /// [`has_expected_route`](Self::has_expected_route), the span must not keep `http.route`.
    fn describe_for_sampler(&self, facts: &mut Facts) -> Cow<'static, str> {
        self.describe(facts)
    }

    /// Adds the attributes of a span whose attributes cannot be removed later. The name may contain the expected route.
    fn describe_irrevocably(&self, facts: &mut Facts) -> Cow<'static, str> {
        self.describe(facts)
    }

    /// Returns the value of an attribute without a description of the span.
    fn early(&self, _key: EarlyKey) -> EarlyValue<'_> {
        EarlyValue::Undescribed
    }

    /// Whether the route is not known yet, so that another one may answer the request than the expected one.
    fn has_expected_route(&self) -> bool {
        false
    }
}
