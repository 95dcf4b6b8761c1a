//! Integers of users' `tracing` spans and events are integers in the spans that are exported.

use opentelemetry::{Value, trace::TracerProvider};
use tests::{EndedSpanExt, SpanSink};
use tracing::{Level, field, info, info_span};
use tracing_core_ext::exchange;
use tracing_core_ext::testing::EndedSpan;
use tracing_subscriber::layer::SubscriberExt;

/// The spans of `work` under the layer of this crate, with its own provider and the SDK's.
fn spans(work: impl Fn()) -> Vec<EndedSpan> {
    let sink = SpanSink::new();
    let own = tracing_subscriber::registry().with(exchange::layer(sink.provider().tracer("test")));
    tracing::subscriber::with_default(own, &work);
    let sdk =
        tracing_subscriber::registry().with(exchange::layer(sink.sdk_provider().tracer("test")));
    tracing::subscriber::with_default(sdk, &work);
    let spans = sink.spans();
    assert!(!spans.is_empty());
    spans
}

#[test]
fn fields_of_a_span_are_of_the_type_that_they_have() {
    let spans = spans(|| {
        info_span!(
            "work",
            byte = 1_u8,
            short = 2_u16,
            long = 3_u32,
            bytes = 7_u64,
            count = 8_usize,
            wide = 9_u128,
            signed = -1_i32,
            share = 0.5,
            text = "7",
            shown = %7,
            large = u64::MAX,
        )
        .in_scope(|| {});
    });
    for span in spans {
        let integers = ["byte", "short", "long", "bytes", "count", "wide", "signed"];
        let integers = integers.map(|key| span.integer(key).unwrap());
        assert_eq!(integers, [1, 2, 3, 7, 8, 9, -1]);
        assert_eq!(span.attribute("share"), Some(&Value::F64(0.5)));
        assert_eq!((span.text("text"), span.text("shown")), (Some("7"), Some("7")));
        assert_eq!(span.text("large"), Some("18446744073709551615"));
        assert!(span.attributes.iter().all(|attribute| !attribute.key.as_str().is_empty()));
    }
}

#[test]
fn a_span_that_is_never_entered_has_integers_too() {
    let spans = spans(|| {
        let outer = info_span!("outer", bytes = 1_u64);
        drop(info_span!(parent: &outer, "inner", bytes = 2_u64));
    });
    for span in spans {
        let expected = if span.name == "outer" { 1 } else { 2 };
        assert_eq!(span.integer("bytes"), Some(expected));
    }
}

#[test]
fn a_field_that_is_recorded_later_is_an_integer() {
    let spans = spans(|| {
        let span = info_span!("work", before = field::Empty, within = field::Empty);
        span.record("before", 1_u64);
        span.in_scope(|| span.record("within", 2_usize));
    });
    for span in spans {
        assert_eq!((span.integer("before"), span.integer("within")), (Some(1), Some(2)));
    }
}

#[test]
fn fields_of_an_event_are_of_the_type_that_they_have() {
    let spans = spans(|| {
        let span = info_span!("work");
        span.in_scope(|| info!(bytes = 7_u64, text = "7", "read"));
        tracing::event!(parent: &span, Level::INFO, bytes = 8_usize, "written");
    });
    for span in spans {
        let fields = |at: usize, key: &str| {
            let mut fields = span.events.events[at].attributes.iter();
            fields.find(|it| it.key.as_str() == key).map(|it| it.value.clone())
        };
        assert_eq!(fields(0, "bytes"), Some(Value::I64(7)));
        assert_eq!(fields(0, "text"), Some(Value::from("7")));
        assert_eq!(fields(1, "bytes"), Some(Value::I64(8)));
    }
}
