use http::{HeaderMap, HeaderValue};
use opentelemetry::{
    baggage::BaggageExt,
    propagation::{
        Extractor, Injector, TextMapCompositePropagator, text_map_propagator::FieldIter,
    },
};
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};

use super::*;
use crate::propagation::{b3::B3Propagator, jaeger::JaegerPropagator};

fn composite(
    propagators: Vec<Box<dyn TextMapPropagator + Send + Sync>>,
) -> TextMapCompositePropagator {
    TextMapCompositePropagator::new(propagators)
}

#[derive(Debug)]
struct Foreign([String; 1]);

impl Foreign {
    fn new() -> Self {
        Self(["x-trace".to_owned()])
    }
}

/// Extracts the values of its header into a baggage entry.
impl TextMapPropagator for Foreign {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        if let Some(value) = cx.baggage().get("trace") {
            injector.set("X-Trace", value.to_string());
            injector.set("not a name", value.to_string());
        }
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        let Some(values) = extractor.get_all("X-Trace") else {
            return cx.clone();
        };
        assert_eq!(extractor.get("x-trace"), Some(values[0]));
        assert_eq!(extractor.keys(), ["x-trace"]);
        let mut baggage = opentelemetry::baggage::Baggage::new();
        baggage.insert("trace", values.join("+"));
        cx.with_baggage(baggage)
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&self.0)
    }
}

#[test]
fn a_w3c_propagator_is_recognised() {
    let propagator = Propagator::new(W3cPropagator::new().without_baggage());

    assert!(
        matches!(propagator.0, Kind::W3c(w3c) if w3c == W3cPropagator::new().without_baggage())
    );
}

fn composite_of(list: &str) -> Propagator {
    Propagator::new(list.parse::<CompositePropagator>().unwrap())
}

#[test]
fn a_list_of_w3c_alone_is_w3c() {
    for (list, w3c) in [
        ("tracecontext,baggage", W3cPropagator::new()),
        ("tracecontext", W3cPropagator::new().without_baggage()),
    ] {
        assert!(matches!(composite_of(list).0, Kind::W3c(found) if found == w3c), "{list}");
    }
}

#[test]
fn our_other_formats_read_headers_in_place() {
    let b3 = Propagator::new(B3Propagator::single_header());
    let jaeger = Propagator::new(JaegerPropagator::new());
    for propagator in [b3, jaeger, composite_of("tracecontext,b3"), composite_of("none")] {
        assert!(matches!(propagator.0, Kind::Composite(_)), "{propagator:?}");
    }
}

#[test]
fn a_stale_field_of_ours_is_removed() {
    let mut headers = HeaderMap::new();
    headers.append("b3", HeaderValue::from_static("a3ce929d0e0e4736-00f067aa0ba902b7-1"));
    headers.append("x-b3-flags", HeaderValue::from_static("1"));
    let propagator = Propagator::new(B3Propagator::multi_header());
    propagator.inject(&propagator.extract(&headers), &mut headers);

    let mut names: Vec<_> = headers.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["x-b3-sampled", "x-b3-spanid", "x-b3-traceid"]);
}

#[test]
fn no_fields_stand_for_w3c_with_baggage() {
    assert_eq!(as_w3c(&composite(vec![])), Some(W3cPropagator::new()));
}

#[test]
fn the_fields_of_trace_context_stand_for_w3c() {
    let trace_context = TraceContextPropagator::new();

    assert_eq!(as_w3c(&trace_context), Some(W3cPropagator::new().without_baggage()));
    let both = composite(vec![Box::new(BaggagePropagator::new()), Box::new(trace_context)]);
    assert_eq!(as_w3c(&both), Some(W3cPropagator::new()));
}

#[test]
fn other_fields_are_left_to_their_propagator() {
    assert_eq!(as_w3c(&Foreign::new()), None);
    assert_eq!(as_w3c(&BaggagePropagator::new()), None);
    let mixed = composite(vec![Box::new(TraceContextPropagator::new()), Box::new(Foreign::new())]);
    assert_eq!(as_w3c(&mixed), None);
}

#[test]
fn a_foreign_propagator_reads_and_writes_the_same_headers() {
    let propagator = Propagator::new(Foreign::new());
    let mut inbound = HeaderMap::new();
    inbound.append("x-trace", HeaderValue::from_static("a"));
    inbound.append("x-trace", HeaderValue::from_static("b"));
    let mut outbound = HeaderMap::new();
    propagator.inject(&propagator.extract(&inbound), &mut outbound);

    assert_eq!(outbound.len(), 1);
    assert_eq!(outbound["x-trace"], "a+b");
}

#[test]
fn what_a_propagator_would_write_can_be_removed() {
    let all = ["traceparent", "tracestate", "baggage", "x-trace", "accept"];
    let headers: HeaderMap = all
        .map(|name| (name.parse().unwrap(), HeaderValue::from_static("a")))
        .into_iter()
        .collect();
    let kept_by = |propagator: &Propagator| {
        let mut headers = headers.clone();
        propagator.remove(&mut headers);
        let mut names: Vec<_> = headers.keys().map(ToString::to_string).collect();
        names.sort_unstable();
        names
    };

    assert_eq!(kept_by(&Propagator::w3c()), ["accept", "x-trace"]);
    let without_baggage = Propagator::new(W3cPropagator::new().without_baggage());
    assert_eq!(kept_by(&without_baggage), ["accept", "baggage", "x-trace"]);
    let composite = composite_of("tracecontext,b3");
    assert_eq!(kept_by(&composite), ["accept", "baggage", "x-trace"]);
    let foreign = Propagator::new(Foreign::new());
    assert_eq!(kept_by(&foreign), ["accept", "baggage", "traceparent", "tracestate"]);
}

#[test]
fn all_fields_of_a_format_are_removed_whichever_are_written() {
    let b3 = ["b3", "x-b3-flags", "x-b3-parentspanid", "x-b3-sampled", "x-b3-spanid"];
    let jaeger = ["uber-trace-id", "uberctx-tenant", "uberctx-user"];
    let names = b3.iter().chain(&jaeger).chain(&["accept", "uberct", "x-b3-traceid"]);
    let headers: HeaderMap =
        names.map(|name| (name.parse().unwrap(), HeaderValue::from_static("a"))).collect();
    let kept_by = |propagator: Propagator| {
        let mut headers = headers.clone();
        propagator.remove(&mut headers);
        headers.len()
    };

    assert_eq!(kept_by(Propagator::new(B3Propagator::single_header())), 5);
    assert_eq!(kept_by(Propagator::new(B3Propagator::multi_header())), 5);
    assert_eq!(kept_by(Propagator::new(JaegerPropagator::new())), 8);
    assert_eq!(kept_by(composite_of("b3,jaeger,tracecontext")), 2);
    let foreign = composite(vec![Box::new(JaegerPropagator::new())]);
    assert_eq!(kept_by(Propagator::new(foreign)), 8);
}

#[test]
fn a_foreign_propagator_starts_from_an_empty_context() {
    let _guard = Context::current_with_baggage([opentelemetry::KeyValue::new("a", "1")]).attach();
    let cx = Propagator::new(Foreign::new()).extract(&HeaderMap::new());

    assert!(cx.baggage().is_empty());
}

#[test]
fn a_propagator_without_fields_turns_propagation_off() {
    let propagator = Propagator::new(composite(vec![]));
    let mut inbound = HeaderMap::new();
    inbound.append("baggage", HeaderValue::from_static("a=1"));

    assert!(propagator.extract(&inbound).baggage().is_empty());
}
