//! Telemetry can be shut down in any context, and more than once.

use std::{
    sync::{Arc, Mutex},
    thread,
};

use opentelemetry::trace::{Tracer, TracerProvider};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SpanData, SpanExporter},
};
use tracing_core_ext::telemetry::Telemetry;

/// An exporter that keeps the names of its spans, also after its shutdown.
#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<String>>>);

impl SpanExporter for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch.into_iter().map(|span| span.name.into_owned()));
        Ok(())
    }
}

fn telemetry_with_a_span() -> (Telemetry, Kept) {
    let kept = Kept::default();
    let telemetry = Telemetry::builder().service_name("shop").variables(|_| None);
    let (telemetry, _dispatch) = telemetry.exporter(kept.clone()).build().unwrap();
    drop(telemetry.tracer_provider().tracer("test").start("order"));
    (telemetry, kept)
}

fn delivers_at_shutdown() {
    let (telemetry, kept) = telemetry_with_a_span();
    telemetry.shutdown().unwrap();
    assert_eq!(*kept.0.lock().unwrap(), ["order"]);
}

fn delivers_when_dropped() {
    let (telemetry, kept) = telemetry_with_a_span();
    drop(telemetry);
    assert_eq!(*kept.0.lock().unwrap(), ["order"]);
}

#[test]
fn without_any_runtime() {
    delivers_at_shutdown();
    delivers_when_dropped();
}

#[tokio::test]
async fn on_a_runtime_of_one_thread() {
    delivers_at_shutdown();
    delivers_when_dropped();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_runtime_of_several_threads() {
    delivers_at_shutdown();
    delivers_when_dropped();
}

#[actix_web::test]
async fn on_a_runtime_of_actix() {
    delivers_at_shutdown();
    delivers_when_dropped();
}

#[test]
fn while_a_panic_unwinds() {
    let (telemetry, kept) = telemetry_with_a_span();
    let panicked = thread::spawn(move || {
        let _telemetry = telemetry;
        panic!("the service fails");
    });
    assert!(panicked.join().is_err());
    assert_eq!(*kept.0.lock().unwrap(), ["order"]);
}

#[test]
fn after_a_shutdown_of_the_provider_no_span_is_missing() {
    let (telemetry, kept) = telemetry_with_a_span();
    telemetry.tracer_provider().shutdown().unwrap();
    drop(telemetry.tracer_provider().tracer("test").start("too late"));
    telemetry.shutdown().unwrap();
    assert_eq!(*kept.0.lock().unwrap(), ["order"]);
}
