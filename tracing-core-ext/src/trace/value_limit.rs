//! Length limit of string values, for tracers without such a limit.

pub(crate) const VALUE_LIMIT_VARIABLES: [&str; 2] =
    ["OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"];

/// Reads the limit, in characters. A value that is not a number is ignored with a warning.
pub(crate) fn value_limit(variable: impl Fn(&str) -> Option<String>) -> Option<usize> {
    let set = |name| Some((name, variable(name).filter(|value| !value.is_empty())?));
    let (name, value) = VALUE_LIMIT_VARIABLES.into_iter().find_map(set)?;
    let limit = value.trim().parse();
    if limit.is_err() {
        tracing::warn!("{name}={value:?}: expected a number of characters; it is ignored");
    }
    limit.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: &str = VALUE_LIMIT_VARIABLES[0];
    const ANY: &str = VALUE_LIMIT_VARIABLES[1];

    fn limit_with(variables: &[(&str, &str)]) -> Option<usize> {
        let find = |name: &str| variables.iter().find(|(set, _)| *set == name);
        value_limit(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_variable_for_spans_comes_first() {
        assert_eq!(limit_with(&[(ANY, "7"), (SPAN, " 5 ")]), Some(5));
        assert_eq!(limit_with(&[(ANY, "7"), (SPAN, "")]), Some(7));
        assert_eq!(limit_with(&[]), None);
    }

    #[test]
    fn a_value_that_is_not_a_number_limits_nothing() {
        for wrong in ["-1", "many", "1.5"] {
            assert_eq!(limit_with(&[(ANY, wrong)]), None);
        }
    }
}
