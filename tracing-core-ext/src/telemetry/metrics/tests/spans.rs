//! Counts of the spans that were exported, failed, waited or were dropped.

use std::{
    io,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
};

use opentelemetry::trace::{Tracer, TracerProvider};
use opentelemetry_sdk::{
    error::{OTelSdkError, OTelSdkResult},
    trace::{SpanData, SpanExporter},
};

use super::{builder, rig_of};
use crate::export::{console::Console, prometheus::Prometheus};

/// Exporter that accepts one batch and fails later ones.
#[derive(Debug, Default)]
struct TakesOne(AtomicBool);

impl SpanExporter for TakesOne {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        match self.0.swap(true, Ordering::Relaxed) {
            false => Ok(()),
            true => Err(OTelSdkError::InternalFailure("no more".to_owned())),
        }
    }
}

#[test]
fn results_of_span_exports_are_scraped() {
    let rig =
        rig_of(builder(Vec::new()).prometheus(Prometheus::mounted()).exporter(TakesOne::default()));
    let tracer = rig.telemetry.tracer_provider().tracer("test");
    for spans in [2, 3] {
        (0..spans).for_each(|_| drop(tracer.start("span")));
        rig.telemetry.tracer_provider().force_flush().unwrap();
    }
    let value = |name: &str, component: &str, error: &str| {
        let samples = rig.samples(name).into_iter();
        let mut samples = samples.filter(|sample| {
            sample.contains(component) && sample.contains("error_type") != error.is_empty()
        });
        let sample = samples.find(|sample| sample.contains(error)).unwrap();
        sample.rsplit_once(' ').unwrap().1.to_owned()
    };
    let exported = "otel_sdk_exporter_span_exported_total";
    assert_eq!(value(exported, "\"span_exporter/0\"", ""), "5");
    assert_eq!(value(exported, "\"span_exporter/1\"", ""), "2");
    assert_eq!(value(exported, "\"span_exporter/1\"", "failed"), "3");
    assert_eq!(value(exported, "\"span_exporter/1\"", "rejected"), "0");
    let processed = "otel_sdk_processor_span_processed_total";
    assert_eq!(value(processed, "processor/1", ""), "5");
    assert_eq!(value(processed, "processor/1", "queue_full"), "0");
    assert_eq!(value("otel_sdk_processor_span_queue_size", "processor/1", ""), "0");
    assert_eq!(value("otel_sdk_processor_span_queue_capacity", "processor/1", ""), "2048");
    assert!(rig.lines.all().iter().all(|line| !line.contains("otel.sdk")), "{:?}", rig.lines.all());
}

/// Exporter that reports the start of each export, and returns when the test sends a result.
#[derive(Debug)]
struct Blocking {
    began: Sender<()>,
    result: Mutex<Receiver<OTelSdkResult>>,
}

impl SpanExporter for Blocking {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        self.began.send(()).unwrap();
        self.result.lock().unwrap().recv().unwrap()
    }
}

#[test]
fn waiting_and_dropped_spans_are_scraped() {
    let ((began, begin), (results, result)) = (channel(), channel());
    let limits = ["OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"];
    let builder = builder(vec![(limits[0], "2".to_owned()), (limits[1], "1".to_owned())]);
    let exporter = Blocking { began, result: Mutex::new(result) };
    let rig = rig_of(builder.prometheus(Prometheus::mounted()).exporter(exporter));
    let tracer = rig.telemetry.tracer_provider().tracer("test");
    drop(tracer.start("span"));
    begin.recv().unwrap();
    (0..4).for_each(|_| drop(tracer.start("span")));
    let value = |name: &str, error: &str| {
        let samples = rig.samples(name).into_iter();
        let mut samples = samples.filter(|sample| sample.contains("processor/1"));
        let sample = samples.find(|sample| sample.contains("error_type") != error.is_empty());
        sample.unwrap().rsplit_once(' ').unwrap().1.to_owned()
    };
    let (size, processed) =
        ("otel_sdk_processor_span_queue_size", "otel_sdk_processor_span_processed");
    assert_eq!((&*value(size, ""), &*value(processed, "queue_full")), ("2", "3"));
    (0..2).for_each(|_| results.send(Ok(())).unwrap());
    rig.telemetry.tracer_provider().force_flush().unwrap();
    assert_eq!((&*value(size, ""), &*value(processed, "")), ("0", "2"));
}

#[test]
fn spans_that_an_exporter_accepts_and_loses_are_scraped_as_rejected() {
    struct Closed;

    impl io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let console = Console::new().json().writer(Closed);
    let builder = builder(Vec::new()).prometheus(Prometheus::mounted()).console(console);
    let rig = rig_of(builder);
    (0..3).for_each(|_| drop(rig.telemetry.tracer_provider().tracer("test").start("span")));
    rig.telemetry.tracer_provider().force_flush().unwrap();
    let samples = rig.samples("otel_sdk_exporter_span_exported_total");
    let mut samples = samples.iter().filter(|sample| sample.contains("\"rejected\""));
    assert!(samples.any(|sample| sample.contains("console") && sample.ends_with(" 3")));
}

#[cfg(feature = "otlp")]
#[test]
fn counts_of_an_otlp_exporter_have_its_type_by_the_conventions() {
    use crate::telemetry::Otlp;

    for (otlp, component) in [
        (Otlp::grpc(), "otlp_grpc_span_exporter"),
        (Otlp::http_protobuf(), "otlp_http_span_exporter"),
        (Otlp::http_json(), "otlp_http_json_span_exporter"),
    ] {
        let rig = rig_of(builder(Vec::new()).prometheus(Prometheus::mounted()).otlp(otlp));
        let samples = rig.samples("otel_sdk_exporter_span_exported_total");
        let label = format!("otel_component_type=\"{component}\"");
        assert!(samples.iter().any(|sample| sample.contains(&label)), "{samples:?}");
    }
}
