//! Trees match what they say, and nothing else.

use opentelemetry::{KeyValue, trace::TraceContextExt};
use tracing::info_span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::failure;
use crate::testing::{EndedTrace, Traces, Tree, any, trace, when};

#[expect(
    clippy::needless_pass_by_value,
    reason = "literals are easier to read without a reference"
)]
fn is(trace: &EndedTrace, tree: Tree) -> bool {
    crate::testing::tree::compare::differences(&tree, trace.stored()).is_empty()
}

/// Returns a trace of a root with children of these names.
fn with_children(names: &[&'static str]) -> EndedTrace {
    let traces = Traces::new();
    info_span!("root").in_scope(|| {
        for name in names {
            info_span!("child", otel.name = name).in_scope(|| {});
        }
    });
    traces.only().blocking()
}

/// Returns a trace of one span with these attributes.
fn with_attributes(attributes: Vec<KeyValue>) -> EndedTrace {
    let traces = Traces::new();
    let span = info_span!("root");
    span.context().span().set_attributes(attributes);
    drop(span);
    traces.only().blocking()
}

#[test]
fn children_are_exact_in_any_order() {
    let trace = with_children(&["a", "b"]);
    assert!(is(&trace, trace! { "root" [ "a", "b" ] }));
    assert!(is(&trace, trace! { "root" [ "b", "a" ] }));
    assert!(is(&trace, trace! { "root" [ "a", .. ] }));
    assert!(is(&trace, trace! { "root" [ .. ] }));
    assert!(
        is(&trace, trace! { "root" [ _, "a" ] }),
        "the literal that fits only one is not taken"
    );
    assert!(!is(&trace, trace! { "root" }));
    assert!(!is(&trace, trace! { "root" [ "a" ] }));
    assert!(!is(&trace, trace! { "root" [ "a", "b", "c" ] }));
    assert!(!is(&trace, trace! { "root" [ "a", "b" [ "c" ] ] }));
    assert!(!is(&trace, trace! { "other" [ "a", "b" ] }));
}

#[test]
fn counts_are_numbers_or_ranges() {
    let trace = with_children(&["a", "a", "b"]);
    assert!(is(&trace, trace! { "root" [ "a" * 2, "b" ] }));
    assert!(is(&trace, trace! { "root" [ "a" * (1..), "b" ] }));
    assert!(is(&trace, trace! { "root" [ "a" * (1..=2), "b" * (0..=1) ] }));
    assert!(is(&trace, trace! { "root" [ _ * (1..), "b" ] }));
    assert!(is(&trace, trace! { "root" [ "c" * 0, .. ] }));
    assert!(!is(&trace, trace! { "root" [ "a" * 1, "b" ] }));
    assert!(!is(&trace, trace! { "root" [ "a" * 3, "b" ] }));
    assert!(!is(&trace, trace! { "root" [ "a" * (3..), .. ] }));
    assert!(!is(&trace, trace! { "root" [ "b" * 0, .. ] }));
}

#[test]
fn a_span_that_must_not_occur_is_compared_by_what_is_written() {
    let traces = Traces::new();
    info_span!("root").in_scope(|| {
        info_span!("call", otel.kind = "client", item.id = 7).in_scope(|| info_span!("inner"));
    });
    let trace = traces.only().blocking();
    assert!(!is(&trace, trace! { "root" [ "call" * 0, .. ] }));
    assert!(!is(&trace, trace! { "root" [ client _ { item.id: 7 } * 0, .. ] }));
    assert!(is(&trace, trace! { "root" [ server "call" * 0, .. ] }));
    assert!(is(&trace, trace! { "root" [ "call" { item.id: 8 } * 0, .. ] }));
}

#[test]
fn attributes_are_exact_with_their_types() {
    let attributes = [
        KeyValue::new("item.id", 7),
        KeyValue::new("item.type", "book"),
        KeyValue::new("price-list", 0.5),
        KeyValue::new("is_new", true),
    ];
    let trace = with_attributes(attributes.to_vec());
    assert!(is(
        &trace,
        trace! { "root" { item.id: 7, item.type: "book", "price-list": 0.5, is_new: true } }
    ));
    assert!(is(&trace, trace! { "root" { item.id: any(), .. } }));
    assert!(is(&trace, trace! { "root" { item.type: when(|it| it.as_str().len() == 4), .. } }));
    assert!(is(&trace, trace! { "root" { .. } }));
    for wrong in [
        trace! { "root" },
        trace! { "root" { item.id: 7 } },
        trace! { "root" { item.id: "7", .. } },
        trace! { "root" { item.id: 7.0, .. } },
        trace! { "root" { item.id: 8, .. } },
        trace! { "root" { item.type: when(|it| it.as_str().is_empty()), .. } },
        trace! { "root" { item.name: any(), .. } },
    ] {
        assert!(!is(&trace, wrong));
    }
    let message = failure(|| {
        trace.is(trace! { "root" { item.id: "7", .. } });
    });
    assert!(message.contains("item.id: expected \"7\" (string), found 7 (integer)"), "{message}");
}

#[test]
fn arrays_are_compared_by_their_elements() {
    let tags = vec!["new".into(), "sale".into()];
    let array = opentelemetry::Value::Array(opentelemetry::Array::String(tags));
    let trace = with_attributes(vec![KeyValue::new("tags", array)]);
    assert!(is(&trace, trace! { "root" { tags: ["new", "sale"] } }));
    assert!(!is(&trace, trace! { "root" { tags: ["sale", "new"] } }));
}

#[test]
fn an_attribute_that_occurs_twice_is_a_difference() {
    let trace = with_attributes(vec![KeyValue::new("id", 7), KeyValue::new("id", 7)]);
    assert!(!is(&trace, trace! { "root" { id: 7 } }));
}

#[test]
fn kind_and_status_are_exact() {
    let of = |kind: &'static str, status: &'static str, description: &'static str| {
        let traces = Traces::new();
        let span = info_span!("root", otel.kind = kind);
        match status {
            "ok" => span.set_status(opentelemetry::trace::Status::Ok),
            "error" => span.set_status(opentelemetry::trace::Status::error(description)),
            _ => {}
        }
        drop(span);
        traces.only().blocking()
    };
    let internal = of("internal", "", "");
    assert!(is(&internal, trace! { "root" }) && is(&internal, trace! { internal "root" }));
    assert!(!is(&internal, trace! { server "root" }));
    assert!(!is(&internal, trace! { "root" ok }) && !is(&internal, trace! { "root" error }));
    for (kind, tree) in [
        ("server", trace! { server "root" }),
        ("client", trace! { client "root" }),
        ("producer", trace! { producer _ }),
        ("consumer", trace! { consumer "root" }),
    ] {
        let trace = of(kind, "", "");
        assert!(is(&trace, tree) && !is(&trace, trace! { "root" }));
    }
    assert!(is(&of("internal", "ok", ""), trace! { "root" ok }));
    let failed = of("internal", "error", "sold out");
    assert!(
        is(&failed, trace! { "root" error }) && is(&failed, trace! { "root" error "sold out" })
    );
    assert!(!is(&failed, trace! { "root" error "gone" }) && !is(&failed, trace! { "root" }));
}
