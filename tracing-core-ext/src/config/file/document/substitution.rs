//! References to variables: OpenTelemetry configuration data model, "Environment variable
//! substitution".

/// Number of characters of an invalid reference that are shown.
const MAX_SHOWN: usize = 64;

/// A scalar whose references are replaced.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Substituted {
    pub(super) text: String,
    pub(super) variables: Vec<String>,
    /// Variables that are not set and have no default.
    pub(super) missing: Vec<String>,
}

/// Replaces references. Values of variables are not searched for references.
///
/// ```text
/// ${NAME}  ${env:NAME}  ${NAME:-default}  $$ (one dollar)
/// ```
///
/// # Errors
///
/// If `${…}` is not a reference. The error is a description.
pub(super) fn substitute(
    text: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<Substituted, String> {
    let mut result = Substituted::default();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        result.text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            result.text.push('$');
            rest = after;
            continue;
        }
        let reference = rest.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        match reference.filter(|(inner, _)| !inner.is_empty()) {
            Some((inner, after)) => {
                result.push_reference(inner, lookup)?;
                rest = after;
            }
            None => result.text.push('$'),
        }
    }
    result.text.push_str(rest);
    Ok(result)
}

impl Substituted {
    fn push_reference(
        &mut self,
        inner: &str,
        lookup: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(), String> {
        let reference = inner.strip_prefix("env:").unwrap_or(inner);
        let (name, default) = match reference.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (reference, None),
        };
        if !is_name(name) || default.is_some_and(|default| default.contains('\n')) {
            let expected = "expected ${NAME}, ${env:NAME} or ${NAME:-default}, or $$ for a dollar";
            let shown: String = inner.chars().take(MAX_SHOWN).collect();
            let shown = shown.escape_debug();
            return Err(format!("${{{shown}}} is not a reference to a variable: {expected}"));
        }
        self.variables.push(name.to_owned());
        match (lookup(name), default) {
            (Some(value), _) => self.text.push_str(&value),
            (None, Some(default)) => self.text.push_str(default),
            (None, None) => self.missing.push(name.to_owned()),
        }
        Ok(())
    }
}

/// Whether this is `[a-zA-Z_][a-zA-Z0-9_]*`.
fn is_name(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<String> {
        let value = match name {
            "VALUE" => "value",
            "INT" => "1",
            "MAP" => "value\nkey: value",
            "OTHER" => "${VALUE} $$",
            _ => return None,
        };
        Some(value.to_owned())
    }

    fn text(written: &str) -> String {
        substitute(written, &lookup).unwrap().text
    }

    #[test]
    fn references_are_replaced_once() {
        for (written, expected) in [
            ("${VALUE}", "value"),
            ("${env:VALUE}", "value"),
            ("foo ${VALUE} ${INT}", "foo value 1"),
            ("${VALUE}${VALUE}", "valuevalue"),
            ("${MAP}", "value\nkey: value"),
            ("${OTHER}", "${VALUE} $$"),
            ("${UNSET:-fallback}", "fallback"),
            ("${env:UNSET:-http://localhost:4318}/v1", "http://localhost:4318/v1"),
            ("${VALUE:-fallback}", "value"),
            ("${UNSET:-}", ""),
            ("${UNSET:-${VALUE}", "${VALUE"),
        ] {
            assert_eq!(text(written), expected, "{written}");
        }
    }

    #[test]
    fn two_dollars_are_one() {
        for (written, expected) in [
            ("$${VALUE}", "${VALUE}"),
            ("$$${VALUE}", "$value"),
            ("$$$${VALUE}", "$${VALUE}"),
            ("a $$ b", "a $ b"),
            ("a $ b", "a $ b"),
            ("$VALUE", "$VALUE"),
            ("${", "${"),
            ("${}", "${}"),
            ("${VALUE", "${VALUE"),
            ("$", "$"),
        ] {
            assert_eq!(text(written), expected, "{written}");
        }
    }

    #[test]
    fn what_is_no_reference_is_an_error() {
        for written in ["${VALUE:?error}", "${1VALUE}", "${API_$KEY}", "${A B}", "${env:}", "${é}"]
        {
            let error = substitute(written, &lookup).unwrap_err();
            assert!(error.starts_with(written), "{error}");
        }
    }

    #[test]
    fn what_is_no_reference_is_shown_without_control_characters() {
        let error =
            substitute(&format!("${{A\u{1b}[31m{}}}", "x".repeat(1000)), &lookup).unwrap_err();
        assert!(error.starts_with("${A\\u{1b}[31mx"), "{error}");
        assert!(error.len() < 250, "{error}");
    }

    #[test]
    fn variables_that_are_not_set_are_empty_and_reported() {
        let found = substitute("a${UNSET}b${UNSET:-c}${VALUE}", &lookup).unwrap();
        assert_eq!(found.text, "abcvalue");
        assert_eq!(found.missing, ["UNSET"]);
        assert_eq!(found.variables, ["UNSET", "UNSET", "VALUE"]);
    }
}
