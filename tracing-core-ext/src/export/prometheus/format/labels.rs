//! Labels of a series, from attributes and the instrumentation scope.

use opentelemetry::{InstrumentationScope, KeyValue};

use super::{family::Labels, name};

const SCOPE_NAME: &str = "otel_scope_name";
const SCOPE_VERSION: &str = "otel_scope_version";
const SCOPE_SCHEMA_URL: &str = "otel_scope_schema_url";
const SCOPE_PREFIX: &str = "otel_scope_";

/// Returns the labels of a series: those of its attributes by name, then those of its scope.
pub(crate) fn of_series<'a>(
    attributes: impl Iterator<Item = (&'a str, String)>,
    scope: &Labels,
) -> Labels {
    let mut labels = of_attributes(attributes);
    for (name, value) in scope {
        let position = labels.iter().position(|(label, _)| label == name);
        let same = position.map(|at| labels.remove(at).1);
        let value = same.map_or_else(|| value.clone(), |same| format!("{same};{value}"));
        labels.push((name.clone(), value));
    }
    labels
}

/// Returns the labels of `attributes` by name. The values of keys that become one label are joined
/// by `;`, in the order of the keys.
///
/// OpenTelemetry, "Prometheus and OpenMetrics Compatibility", "Metric Attributes".
fn of_attributes<'a>(attributes: impl Iterator<Item = (&'a str, String)>) -> Labels {
    let mut keys: Vec<_> =
        attributes.map(|(key, value)| (name::label_name(key), key, value)).collect();
    keys.sort();
    let mut labels = Labels::new();
    for (label, _, value) in keys {
        match labels.last_mut() {
            Some((last, joined)) if *last == label => {
                joined.push(';');
                joined.push_str(&value);
            }
            _ => labels.push((label, value)),
        }
    }
    labels
}

/// Returns the labels that every series of this scope has.
pub(crate) fn of_scope(scope: &InstrumentationScope) -> Labels {
    let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let version = scope.version().map(|version| label(SCOPE_VERSION, version));
    let schema = scope.schema_url().map(|url| label(SCOPE_SCHEMA_URL, url));
    let reserved = [Some(label(SCOPE_NAME, scope.name())), version, schema];
    let keys: Vec<_> = scope.attributes().map(scope_attribute).collect();
    let others = of_attributes(keys.iter().map(|(key, value)| (&**key, value.clone())));
    let is_reserved = |name: &str| [SCOPE_NAME, SCOPE_VERSION, SCOPE_SCHEMA_URL].contains(&name);
    let others = others.into_iter().filter(|(name, _)| !is_reserved(name));
    reserved.into_iter().flatten().chain(others).collect()
}

fn scope_attribute(attribute: &KeyValue) -> (String, String) {
    (format!("{SCOPE_PREFIX}{}", attribute.key), attribute.value.to_string())
}

/// Returns key and value of an attribute.
pub(crate) fn pair(attribute: &KeyValue) -> (&str, String) {
    (attribute.key.as_str(), attribute.value.to_string())
}

#[cfg(test)]
mod tests {
    use crate::export::prometheus::format::labels::*;

    fn labels(attributes: &[(&str, &str)], scope: &Labels) -> String {
        let attributes = attributes.iter().map(|(key, value)| (*key, (*value).to_owned()));
        let labels = of_series(attributes, scope).into_iter();
        labels.map(|(name, value)| format!("{name}={value} ")).collect()
    }

    #[test]
    fn every_key_becomes_a_valid_name() {
        for (key, name) in [
            ("aws:region", "aws_region"),
            ("9lives", "_lives"),
            ("http.route", "http_route"),
            ("a__b", "a_b"),
            ("a.-b", "a_b"),
            ("__name__", "_name_"),
            ("größe", "gr_e"),
            ("", "_"),
        ] {
            assert_eq!(labels(&[(key, "x")], &Labels::new()), format!("{name}=x "));
            assert!(name::is_label_name(name), "{name}");
        }
    }

    #[test]
    fn keys_of_one_name_have_their_values_joined_in_the_order_of_the_keys() {
        let attributes = [("b", "4"), ("a_b", "3"), ("a.b", "1"), ("a:b", "2")];
        assert_eq!(labels(&attributes, &Labels::new()), "a_b=1;2;3 b=4 ");
    }

    #[test]
    fn an_attribute_does_not_replace_a_label_of_the_scope() {
        let scope = InstrumentationScope::builder("shop")
            .with_version("1")
            .with_attributes([KeyValue::new("team", "a"), KeyValue::new("name", "b")])
            .build();
        let scope = of_scope(&scope);
        assert_eq!(
            labels(&[("otel.scope.name", "x"), ("z", "y")], &scope),
            "z=y otel_scope_name=x;shop otel_scope_version=1 otel_scope_team=a "
        );
    }
}
