//! Samplers that are replaced at run time, and those of a provider.

use std::thread;

use opentelemetry::trace::{Span as _, SpanBuilder, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::trace::IdGenerator;

use super::*;
use crate::trace::TracerProvider;

fn is_recorded(provider: &TracerProvider) -> bool {
    provider.tracer("test").start("span").is_recording()
}

#[test]
fn a_replaced_sampler_decides_about_later_spans() {
    let provider = TracerProvider::builder().build();
    let tracer = provider.tracer("test");
    assert!(is_recorded(&provider));
    let open = tracer.start("open");
    for (sampler, expected) in [
        (Sampler::always_off(), false),
        (Sampler::always_on(), true),
        (Sampler::probability(0.0).unwrap(), false),
    ] {
        let text = sampler.to_string();
        provider.set_sampler(sampler);
        assert_eq!(is_recorded(&provider), expected);
        assert_eq!(tracer.start("span").is_recording(), expected);
        assert_eq!(provider.sampler().to_string(), text);
    }
    assert!(open.is_recording());
}

#[test]
fn spans_start_while_the_sampler_is_replaced() {
    let provider = TracerProvider::builder().build();
    thread::scope(|scope| {
        scope.spawn(|| {
            for at in 0..1000 {
                provider.set_sampler(Sampler::probability(f64::from(at % 2)).unwrap());
            }
        });
        (0..1000).for_each(|_| drop(provider.tracer("test").start("span")));
    });
    provider.set_sampler(Sampler::always_off());
    assert!(!is_recorded(&provider));
}

#[derive(Debug)]
struct Constant;

impl IdGenerator for Constant {
    fn new_trace_id(&self) -> TraceId {
        TraceId::from(u128::MAX)
    }

    fn new_span_id(&self) -> opentelemetry::SpanId {
        7.into()
    }
}

#[test]
fn a_root_with_an_id_that_may_not_be_random_gets_explicit_randomness() {
    let builder = TracerProvider::builder().with_id_generator(Constant);
    let provider = builder.with_sampler(Sampler::probability(0.5).unwrap()).build();
    let tracer = provider.tracer("test");
    let mut sampled = 0;
    for _ in 0..200 {
        let span = tracer.start("root");
        let state = span.span_context().trace_state().clone();
        let (_, randomness) = state.get("ot").unwrap().split_once("rv:").unwrap();
        let is_sampled = randomness >= "80000000000000";
        assert_eq!((randomness.len(), span.is_recording()), (14, is_sampled), "{state:?}");
        sampled += usize::from(is_sampled);
        // A child has the same randomness.
        let cx = Context::new().with_remote_span_context(span.span_context().clone());
        let child = tracer.build_with_context(SpanBuilder::from_name("child"), &cx);
        assert_eq!(child.is_recording(), is_sampled);
        assert!(child.span_context().trace_state().get("ot").unwrap().contains(randomness));
    }
    assert!((50..150).contains(&sampled), "{sampled}");
}
