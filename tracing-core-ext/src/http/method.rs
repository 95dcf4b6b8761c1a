use std::{env, sync::OnceLock};

/// Environment variable that replaces the list of methods recorded by their name.
const KNOWN_METHODS_VARIABLE: &str = "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS";

/// Methods of RFC 9110, PATCH (RFC 5789) and QUERY.
const STANDARD: [&str; 10] =
    ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "QUERY", "CONNECT", "TRACE"];

/// Request method with bounded cardinality: a name in the list of known methods, or `_OTHER`.
///
/// Semantic conventions, `http.request.method`: methods are case-sensitive. A method outside the
/// list is recorded as `_OTHER`, so that callers cannot choose the values of a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Known(&'static str),
    Other,
}

impl Method {
    pub(crate) fn of(method: &str) -> Self {
        known_methods()
            .iter()
            .find(|known| **known == method)
            .map_or(Self::Other, |known| Self::Known(known))
    }

    /// Value of `http.request.method`.
    pub(crate) const fn as_attribute(self) -> &'static str {
        match self {
            Self::Known(name) => name,
            Self::Other => "_OTHER",
        }
    }

    /// Returns the method as part of a span name.
    pub(crate) const fn as_span_name(self) -> &'static str {
        match self {
            Self::Known(name) => name,
            Self::Other => "HTTP",
        }
    }
}

/// Returns the known methods. They are read once, because the conventions define the variable for
/// the whole process.
fn known_methods() -> &'static [&'static str] {
    static KNOWN: OnceLock<Vec<&'static str>> = OnceLock::new();
    KNOWN.get_or_init(|| parse(env::var(KNOWN_METHODS_VARIABLE).ok()))
}

/// Parses a comma-separated list, which replaces the standard list. An empty value counts as unset,
/// as for every `OTEL_` variable.
fn parse(variable: Option<String>) -> Vec<&'static str> {
    match variable {
        Some(list) if !list.trim().is_empty() => {
            let names = list.leak().split(',').map(str::trim);
            names.filter(|name| !name.is_empty()).collect()
        }
        _ => STANDARD.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standard_method_keeps_its_name() {
        for name in STANDARD {
            assert_eq!(Method::of(name), Method::Known(name));
            assert_eq!(Method::of(name).as_attribute(), name);
        }
    }

    #[test]
    fn another_method_or_another_case_is_other() {
        for name in ["PROPFIND", "get", ""] {
            assert_eq!(Method::of(name).as_attribute(), "_OTHER");
            assert_eq!(Method::of(name).as_span_name(), "HTTP");
        }
    }

    #[test]
    fn the_variable_replaces_the_whole_list() {
        assert_eq!(parse(Some(" GET, PROPFIND ,".into())), ["GET", "PROPFIND"]);
    }

    #[test]
    fn an_empty_variable_counts_as_unset() {
        assert_eq!(parse(Some(" ".into())), STANDARD);
        assert_eq!(parse(None), STANDARD);
    }
}
