//! Import of OTLP JSON from files.

use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};
use serde::Deserialize;

use super::intake::Intake;

/// Request of any signal.
#[derive(Deserialize)]
#[serde(untagged)]
enum AnyRequest {
    Traces(Traces),
    Logs(Logs),
    Metrics(Metrics),
}

/// Requests with a required list. The types of the protocol accept an absent list as empty.
#[derive(Deserialize)]
struct Traces {
    #[serde(rename = "resourceSpans")]
    resource_spans: Vec<opentelemetry_proto::tonic::trace::v1::ResourceSpans>,
}

#[derive(Deserialize)]
struct Logs {
    #[serde(rename = "resourceLogs")]
    resource_logs: Vec<opentelemetry_proto::tonic::logs::v1::ResourceLogs>,
}

#[derive(Deserialize)]
struct Metrics {
    #[serde(rename = "resourceMetrics")]
    resource_metrics: Vec<opentelemetry_proto::tonic::metrics::v1::ResourceMetrics>,
}

/// Stores a sequence of requests in the JSON encoding of OTLP. OpenTelemetry's file format has one
/// per line. Returns the number of requests.
///
/// # Errors
///
/// If the text is not such a request. The requests before it are stored.
pub fn add_json(intake: &Intake, text: &[u8]) -> Result<usize, String> {
    let mut count = 0;
    for request in serde_json::Deserializer::from_slice(text).into_iter::<serde_json::Value>() {
        let request = request.map_err(|error| error.to_string())?;
        let request = serde_json::from_value(request);
        match request.map_err(|_| format!("request {} is no OTLP JSON", count + 1))? {
            AnyRequest::Traces(Traces { resource_spans }) => {
                intake.add_traces(ExportTraceServiceRequest { resource_spans });
            }
            AnyRequest::Logs(Logs { resource_logs }) => {
                intake.add_logs(ExportLogsServiceRequest { resource_logs });
            }
            AnyRequest::Metrics(Metrics { resource_metrics }) => {
                intake.add_metrics(ExportMetricsServiceRequest { resource_metrics });
            }
        }
        count += 1;
    }
    Ok(count)
}
