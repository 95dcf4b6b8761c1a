use tracing_core_ext::telemetry::{Telemetry, TelemetryBuilder};

use crate::SpanSink;

/// Returns a builder for a service `tests` that exports its spans to `sink` and reads no variable of
/// the environment.
pub fn telemetry(sink: &SpanSink) -> TelemetryBuilder {
    Telemetry::builder().variables(|_| None).service_name("tests").exporter(sink.receiver())
}
