//! Counts of the log records that were exported, failed or removed.

use std::time::Duration;

use opentelemetry_sdk::Resource;
use tracing::dispatcher::with_default;

use super::{builder, rig_of};
use crate::{
    base::error::TelemetryError,
    export::{
        delivery::Outcome,
        pipeline::{
            context::PipelineContext,
            logs::{LogExporter, LogExporterOptions, LogPipeline},
        },
        prometheus::Prometheus,
    },
    logs::LogRecord,
};

/// Exporter that accepts one batch and fails later ones.
struct TakesOne {
    has_taken: bool,
}

impl LogExporterOptions for TakesOne {
    fn start(
        self: Box<Self>,
        context: &PipelineContext<'_>,
    ) -> Result<LogPipeline, TelemetryError> {
        let state = context.log_state("nowhere".to_owned(), "test_log_exporter");
        context.log_pipeline(*self, state, Duration::from_secs(3600))
    }
}

impl LogExporter for TakesOne {
    fn export(&mut self, _: &[&LogRecord]) -> Outcome {
        match std::mem::replace(&mut self.has_taken, true) {
            false => Outcome::delivered(),
            true => Outcome::rejected(1, "no more"),
        }
    }

    fn set_resource(&mut self, _: &Resource) {}
}

#[test]
fn results_of_log_exports_are_scraped() {
    let mut builder = builder(Vec::new()).prometheus(Prometheus::mounted());
    builder.log_records.additions.push(Box::new(TakesOne { has_taken: false }));
    let rig = rig_of(builder.before_log_export(|record| record.target() != "removed"));
    for _ in 0..2 {
        with_default(&rig.dispatch, || {
            (0..3).for_each(|_| tracing::info!("sold"));
            tracing::info!(target: "removed", "sold");
        });
        rig.telemetry.force_flush().unwrap();
    }
    let value = |name: &str, error: Option<&str>| {
        let samples = rig.samples(name).into_iter();
        let mut samples = samples.filter(|it| it.contains("error_type") == error.is_some());
        let sample = samples.find(|it| it.contains(error.unwrap_or_default())).unwrap();
        assert!(sample.contains("test_log_exporter/0") || sample.contains("log_processor/0"));
        sample.rsplit_once(' ').unwrap().1.to_owned()
    };
    let exported = "otel_sdk_exporter_log_exported_total";
    assert_eq!(value(exported, None), "5");
    assert_eq!(value(exported, Some("rejected")), "1");
    assert_eq!(value(exported, Some("failed")), "0");
    let processed = "otel_sdk_processor_log_processed_total";
    assert_eq!(value(processed, None), "8");
    assert_eq!(value(processed, Some("queue_full")), "0");
    assert_eq!(value("otel_sdk_processor_log_queue_size", None), "0");
    assert_eq!(value("otel_sdk_processor_log_queue_capacity", None), "2048");
    assert!(rig.samples("otel_sdk_processor_span_processed_total")[0].contains("span_processor/0"));
}
