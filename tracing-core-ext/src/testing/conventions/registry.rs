//! The registry of the semantic conventions 1.44.0, as far as it concerns HTTP, RPC and messaging.

use std::{
    collections::{BTreeSet, HashMap},
    sync::LazyLock,
};

use opentelemetry::{Array, Value};

/// Lines that `generate.py` has written, which documents their format.
const LINES: &str = include_str!("registry.txt");

pub(super) static REGISTRY: LazyLock<Registry> = LazyLock::new(|| Registry::read(LINES));

/// Attributes, spans and metrics by their names.
#[derive(Debug, Default)]
pub(super) struct Registry {
    attributes: HashMap<&'static str, AttributeRule>,
    /// Required attributes by the kind and the namespace of a span.
    pub(super) spans: HashMap<(&'static str, &'static str), Vec<&'static str>>,
    pub(super) metrics: HashMap<&'static str, MetricRule>,
    attribute_namespaces: BTreeSet<&'static str>,
    metric_namespaces: BTreeSet<&'static str>,
}

#[derive(Debug, Default)]
pub(super) struct AttributeRule {
    pub(super) value_type: &'static str,
    /// Values of an enumeration.
    pub(super) values: Vec<&'static str>,
    pub(super) is_deprecated: bool,
}

#[derive(Debug)]
pub(super) struct MetricRule {
    pub(super) instrument: &'static str,
    pub(super) unit: &'static str,
    pub(super) required: Vec<&'static str>,
}

impl Registry {
    fn read(lines: &'static str) -> Self {
        let mut registry = Self::default();
        for line in lines.lines() {
            let mut words = line.split(' ');
            let mut next = || words.next().unwrap_or_default();
            match next() {
                "a" => {
                    let (key, value_type) = (next(), next());
                    let rule =
                        AttributeRule { value_type, values: words.collect(), is_deprecated: false };
                    registry.attributes.insert(key, rule);
                    registry.attribute_namespaces.insert(namespace(key));
                }
                "d" => {
                    let rule = AttributeRule { is_deprecated: true, ..AttributeRule::default() };
                    registry.attributes.insert(next(), rule);
                }
                "s" => {
                    let span = (next(), next());
                    registry.spans.insert(span, words.collect());
                }
                "m" => {
                    let (name, instrument, unit) = (next(), next(), next());
                    let rule = MetricRule { instrument, unit, required: words.collect() };
                    registry.metrics.insert(name, rule);
                    registry.metric_namespaces.insert(namespace(name));
                }
                _ => {}
            }
        }
        registry
    }

    /// Returns the rule of a key. The last part of some keys is free, such as that of `http.request.header.accept`.
    pub(super) fn attribute(&self, key: &str) -> Option<&AttributeRule> {
        let by_beginning = || {
            let dots = key.match_indices('.').map(|(at, _)| &key[..=at]);
            dots.filter(|beginning| beginning.len() < key.len())
                .find_map(|beginning| self.attributes.get(beginning))
        };
        self.attributes.get(key).or_else(by_beginning)
    }

    pub(super) fn has_attributes_of(&self, namespace: &str) -> bool {
        self.attribute_namespaces.contains(namespace)
    }

    pub(super) fn has_metrics_of(&self, namespace: &str) -> bool {
        self.metric_namespaces.contains(namespace)
    }
}

/// Returns the first part of a name.
pub(super) fn namespace(name: &str) -> &str {
    name.split('.').next().unwrap_or(name)
}

impl AttributeRule {
    pub(super) fn allows_type(&self, value: &Value) -> bool {
        matches!(
            (self.value_type, value),
            ("string", Value::String(_))
                | ("int", Value::I64(_))
                | ("double", Value::F64(_))
                | ("boolean", Value::Bool(_))
                | ("string[]", Value::Array(Array::String(_)))
        )
    }

    pub(super) fn allows_value(&self, value: &Value) -> bool {
        self.values.is_empty() || self.values.contains(&&*value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_has_a_rule_with_a_known_type() {
        let lines = LINES.lines().filter(|line| !line.starts_with('#')).count();
        let registry = &*REGISTRY;
        let rules = registry.attributes.len() + registry.spans.len() + registry.metrics.len();
        assert_eq!(rules, lines);
        for (key, rule) in &registry.attributes {
            let is_known =
                ["string", "int", "double", "boolean", "string[]"].contains(&rule.value_type);
            assert!(is_known || rule.is_deprecated, "{key}: {rule:?}");
        }
    }

    #[test]
    fn the_names_that_this_crate_uses_are_in_the_registry() {
        let source = include_str!("../../semconv/names.rs");
        let names = source.lines().filter_map(|line| line.split('"').nth(1));
        let names: Vec<_> =
            names.filter(|name| name.contains('.') && !name.contains("://")).collect();
        assert!(names.len() > 30, "{names:?}");
        for name in names {
            let is_known =
                REGISTRY.attributes.contains_key(name) || REGISTRY.metrics.contains_key(name);
            assert!(is_known, "{name}");
        }
    }
}
