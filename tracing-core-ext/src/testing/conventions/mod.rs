//! Comparison of spans and metrics with the semantic conventions.

mod registry;

use std::collections::BTreeSet;

use opentelemetry::{
    KeyValue,
    trace::{SpanKind, Status},
};

use self::registry::{AttributeRule, REGISTRY, namespace};
use super::{
    metrics::{MetricPoint, PointValue},
    recorded::store::StoredSpan,
    tree::{
        compare::Difference,
        expected::{shown, type_name},
        tree::kind_name,
    },
};
use crate::semconv::names::ERROR_TYPE;

/// Returns the differences of a span from the conventions.
pub(super) fn of_span(span: &StoredSpan) -> Vec<Difference> {
    let data = &span.data;
    let mut texts: Vec<_> = data.attributes.iter().filter_map(of_attribute).collect();
    if let Some((namespace, required)) = required(&data.span_kind, &data.attributes) {
        let kind = kind_name(&data.span_kind);
        let is_missing = |key: &&str| !has(&data.attributes, key);
        let missing = required.iter().copied().filter(is_missing);
        texts.extend(missing.map(|key| format!("{key}: required of a {kind} span of {namespace}")));
        if matches!(data.status, Status::Error { .. }) && !has(&data.attributes, ERROR_TYPE) {
            texts.push(format!("{ERROR_TYPE}: required of a span of {namespace} that has failed"));
        }
    }
    texts.into_iter().map(|text| Difference { span: Some(span.id()), text }).collect()
}

/// Returns the differences of a series from the conventions.
pub(super) fn of_metric(point: &MetricPoint) -> Vec<String> {
    let labels = point.labels.iter().filter_map(of_attribute);
    let mut texts: BTreeSet<_> = labels.collect();
    match REGISTRY.metrics.get(&*point.name) {
        None if REGISTRY.has_metrics_of(namespace(&point.name)) => {
            texts.insert("no metric of the conventions".to_owned());
        }
        None => {}
        Some(rule) => {
            if rule.unit != point.unit {
                texts.insert(format!("expected the unit {:?}, found {:?}", rule.unit, point.unit));
            }
            let found = match point.value {
                PointValue::Histogram { .. } => "histogram",
                PointValue::Gauge(_) => "gauge",
                PointValue::Sum(_) if rule.instrument == "updowncounter" => "updowncounter",
                PointValue::Sum(_) => "counter",
            };
            if rule.instrument != found {
                texts.insert(format!("expected a {}, found a {found}", rule.instrument));
            }
            let missing = rule.required.iter().filter(|key| !has(&point.labels, key));
            texts.extend(missing.map(|key| format!("{key}: required")));
        }
    }
    texts.into_iter().map(|text| format!("{}: {text}", point.name)).collect()
}

fn has(attributes: &[KeyValue], key: &str) -> bool {
    attributes.iter().any(|it| it.key.as_str() == key)
}

/// Returns the namespace of a span, and the keys that it requires. A call of RPC over HTTP is one of RPC.
fn required(
    kind: &SpanKind,
    attributes: &[KeyValue],
) -> Option<(&'static str, &'static [&'static str])> {
    let is_of = |namespace: &str| {
        attributes.iter().any(|it| registry::namespace(it.key.as_str()) == namespace)
    };
    let namespace = ["rpc", "messaging", "http"].into_iter().find(|it| is_of(it))?;
    let required = REGISTRY.spans.get(&(kind_name(kind), namespace))?;
    Some((namespace, required))
}

/// Returns the difference of an attribute. Keys of other namespaces are those of the service.
fn of_attribute(attribute: &KeyValue) -> Option<String> {
    let (key, value) = (attribute.key.as_str(), &attribute.value);
    let text = match REGISTRY.attribute(key) {
        None if REGISTRY.has_attributes_of(namespace(key)) => {
            "no attribute of the conventions".to_owned()
        }
        None => return None,
        Some(AttributeRule { is_deprecated: true, .. }) => "deprecated".to_owned(),
        Some(rule) if !rule.allows_type(value) => {
            format!(
                "expected the type {}, found {} ({})",
                rule.value_type,
                shown(value),
                type_name(value)
            )
        }
        Some(rule) if !rule.allows_value(value) => {
            format!("expected one of {}, found {}", rule.values.join(", "), shown(value))
        }
        Some(_) => return None,
    };
    Some(format!("{key}: {text}"))
}
