//! Comparison with the SDK: both export the same data.

use std::time::Duration;

use http::Request;
use opentelemetry::{
    Context, InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId,
    trace::{
        Span as _, SpanBuilder, SpanContext, SpanKind, TraceContextExt, TraceState, Tracer as _,
        TracerProvider as _,
    },
};
use opentelemetry_sdk::trace::{
    InMemorySpanExporter, Sampler as SdkSampler, SdkTracerProvider, SpanData, SpanLimits,
};

use super::*;
use crate::{
    exchange::{Builder, Instrumentation, Outcome, TrustPolicy},
    http::ResponseHead,
    propagation::w3c::traceparent::RANDOM,
};

const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03";
const TIGHT: SpanLimits = SpanLimits {
    max_events_per_span: 1,
    max_attributes_per_span: 5,
    max_links_per_span: 0,
    max_attributes_per_event: 1,
    max_attributes_per_link: 0,
};

fn sdk(limits: SpanLimits) -> (SdkTracerProvider, InMemorySpanExporter) {
    let exporter = InMemorySpanExporter::default();
    let builder = SdkTracerProvider::builder().with_span_limits(limits);
    (builder.with_simple_exporter(exporter.clone()).build(), exporter)
}

fn own(builder: TracerProviderBuilder) -> (TracerProvider, InMemorySpanExporter) {
    let exporter = InMemorySpanExporter::default();
    (builder.with_simple_exporter(exporter.clone()).build(), exporter)
}

fn exported(exporter: &InMemorySpanExporter) -> SpanData {
    let mut spans = exporter.get_finished_spans().unwrap();
    assert_eq!(spans.len(), 1, "{spans:#?}");
    spans.remove(0)
}

/// Returns the spans that both providers export for a request that uses every method.
fn served_by_both(
    limits: SpanLimits,
    traceparent: Option<&str>,
    policy: TrustPolicy,
) -> [SpanData; 2] {
    let (provider, exporter) = sdk(limits);
    serve(Builder::new("test", "1").tracer_provider(&provider), traceparent, policy);
    let by_sdk = exported(&exporter);
    let (provider, exporter) = own(TracerProvider::builder().with_span_limits(limits));
    serve(Builder::new("test", "1").tracer_provider(&provider), traceparent, policy);
    [by_sdk, exported(&exporter)]
}

fn serve(builder: Builder<Instrumentation>, traceparent: Option<&str>, policy: TrustPolicy) {
    let mut request = Request::post("/items?a=1").header("host", "shop.example");
    if let Some(traceparent) = traceparent {
        request = request.header("traceparent", traceparent).header("tracestate", "a=1,b@c@d=2");
    }
    let mut exchange = builder.trust(policy).build().start_server(&request.body(()).unwrap());
    let span = exchange.request_span().unwrap();
    span.set_attribute("cart.items", 3);
    span.record_error(&std::fmt::Error);
    span.record_error(&std::fmt::Error);
    let link = SpanContext::new(1.into(), 2.into(), TraceFlags::SAMPLED, true, TraceState::NONE);
    span.context().span().add_link(link, vec![KeyValue::new("a", 1)]);
    span.set_route("POST", "/items");
    let headers = &http::HeaderMap::new();
    exchange.on_response(&ResponseHead { status: 503, length: None, headers });
    exchange.end(Outcome::Complete);
    assert!(!span.is_recording());
    span.set_attribute("too.late", true);
}

/// Asserts that two spans are equal, except in the data that differ for every span.
fn assert_same([sdk, mut own]: [SpanData; 2]) {
    let times = |span: &SpanData| (span.start_time, span.end_time);
    assert!(times(&own).0 <= times(&own).1);
    assert!(times(&own).1 - Duration::from_secs(60) < times(&own).0);
    assert!(own.span_context.is_valid() && own.span_context != sdk.span_context);
    let (context, sdks) = (&own.span_context, &sdk.span_context);
    // The SDK does not set the random flag.
    let starts_trace = own.parent_span_id == SpanId::INVALID;
    let added = if starts_trace { RANDOM } else { TraceFlags::NOT_SAMPLED };
    assert_eq!(context.trace_flags(), sdks.trace_flags() | added);
    assert_eq!(context.trace_state(), sdks.trace_state());
    assert_eq!(context.is_remote(), sdks.is_remote());
    own.span_context = sdk.span_context.clone();
    (own.start_time, own.end_time) = times(&sdk);
    let times = sdk.events.events.iter().map(|event| event.timestamp);
    own.events.events.iter_mut().zip(times).for_each(|(event, time)| event.timestamp = time);
    assert_eq!(own, sdk);
}

#[test]
fn a_request_is_exported_as_the_sdk_exports_it() {
    for limits in [SpanLimits::default(), TIGHT] {
        for policy in [TrustPolicy::Trust, TrustPolicy::LinkOnly, TrustPolicy::Ignore] {
            for traceparent in [None, Some(TRACEPARENT)] {
                assert_same(served_by_both(limits, traceparent, policy));
            }
        }
    }
}

fn builder() -> SpanBuilder {
    let link = SpanContext::new(3.into(), 4.into(), TraceFlags::SAMPLED, true, TraceState::NONE);
    let attributes = (0..7).map(|number| KeyValue::new(format!("key.{number}"), number)).collect();
    let attribute = || vec![KeyValue::new("a", "b"), KeyValue::new("c", 1.5)];
    let event =
        opentelemetry::trace::Event::new("event", std::time::SystemTime::now(), attribute(), 0);
    SpanBuilder::from_name("user")
        .with_kind(SpanKind::Consumer)
        .with_attributes(Vec::<KeyValue>::from_iter::<Vec<_>>(attributes))
        .with_links(vec![opentelemetry::trace::Link::new(link, attribute(), 0); 2])
        .with_events(vec![event; 2])
}

fn run<T: opentelemetry::trace::Tracer>(tracer: &T, parent: &Context) {
    let mut span = tracer.build_with_context(builder(), parent);
    span.set_status(opentelemetry::trace::Status::error("first"));
    span.set_status(opentelemetry::trace::Status::Unset);
    span.update_name("renamed");
    span.add_event("later", vec![KeyValue::new("x", true)]);
    span.end();
    span.set_attribute(KeyValue::new("too.late", true));
}

#[test]
fn a_users_span_is_exported_as_the_sdk_exports_it() {
    let remote = SpanContext::new(7.into(), 8.into(), TraceFlags::SAMPLED, true, TraceState::NONE);
    let parents = [Context::new(), Context::new().with_remote_span_context(remote)];
    for limits in [SpanLimits::default(), TIGHT] {
        for parent in &parents {
            let (provider, exporter) = sdk(limits);
            run(&provider.tracer("test"), parent);
            let by_sdk = exported(&exporter);
            let (provider, exporter) = own(TracerProvider::builder().with_span_limits(limits));
            run(&provider.tracer("test"), parent);
            assert_same([by_sdk, exported(&exporter)]);
        }
    }
}

#[test]
fn a_generator_of_the_user_makes_the_ids() {
    #[derive(Clone, Debug)]
    struct Fixed;

    impl opentelemetry_sdk::trace::IdGenerator for Fixed {
        fn new_trace_id(&self) -> TraceId {
            7.into()
        }

        fn new_span_id(&self) -> SpanId {
            9.into()
        }
    }

    let (provider, exporter) = own(TracerProvider::builder().with_id_generator(Fixed));
    serve(Builder::new("test", "1").tracer_provider(&provider), None, TrustPolicy::Trust);
    let identity = exported(&exporter).span_context;
    assert_eq!((identity.trace_id(), identity.span_id()), (7.into(), 9.into()));
}

#[test]
fn a_ratio_of_the_traces_that_start_here_is_sampled() {
    let sampler = SdkSampler::ParentBased(Box::new(SdkSampler::TraceIdRatioBased(0.5)));
    for provider in [
        TracerProvider::builder().with_sampler(sampler),
        TracerProvider::builder().with_sampler(Sampler::parent_based(Sampler::trace_id_ratio(0.5))),
    ] {
        let (provider, exporter) = own(provider);
        let serve = |_| {
            serve(Builder::new("test", "1").tracer_provider(&provider), None, TrustPolicy::Trust);
        };
        (0..200).for_each(serve);
        let sampled = exporter.get_finished_spans().unwrap();
        assert!((50..150).contains(&sampled.len()), "{} of 200", sampled.len());
        for span in sampled {
            let id = u128::from_be_bytes(span.span_context.trace_id().to_bytes()) as u64;
            assert!(id >> 1 < 1 << 62, "its services would not sample {id:x}");
        }
    }
}

#[test]
fn after_shutdown_the_callers_context_is_propagated() {
    let (provider, exporter) = own(TracerProvider::builder());
    let instrumentation =
        Builder::<Instrumentation>::new("test", "1").tracer_provider(&provider).build();
    let start = |traceparent: &str| {
        let request = Request::get("/").header("traceparent", traceparent).body(()).unwrap();
        instrumentation.start_server(&request)
    };
    let open = start(TRACEPARENT);
    provider.shutdown().unwrap();
    drop(open);
    for traceparent in [TRACEPARENT, &TRACEPARENT.replace("-03", "-00")] {
        let span = start(traceparent).request_span().unwrap();
        assert_eq!(span.span_id().to_string(), traceparent[36..52]);
    }
    assert!(exporter.get_finished_spans().unwrap().is_empty());
    assert!(provider.shutdown().is_err());
}

#[test]
fn a_span_whose_context_is_dropped_ends() {
    let (provider, exporter) = own(TracerProvider::builder());
    let tracer = provider.tracer_with_scope(InstrumentationScope::default());
    drop(Context::new().with_span(tracer.start("dropped")));
    assert_eq!(exported(&exporter).name, "dropped");
}
