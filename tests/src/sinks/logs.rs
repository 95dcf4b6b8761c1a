use std::{fmt, sync::Arc};

use axum::{Router, routing::post};
use bytes::Bytes;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle, time::timeout};
use tracing_core_ext::telemetry::TelemetryBuilder;

use super::spans::PATIENCE;
use crate::SpanSink;

/// Collector of the log records of one test, over OTLP/JSON.
pub struct LogSink {
    url: String,
    records: Arc<watch::Sender<Vec<Value>>>,
    server: JoinHandle<()>,
}

impl LogSink {
    /// Starts a collector on a free port.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    pub async fn serve() -> Self {
        let records = Arc::new(watch::Sender::new(Vec::new()));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let received = Arc::clone(&records);
        let accept = move |body: Bytes| async move {
            let request = serde_json::from_slice(&body).expect("OTLP/JSON");
            received.send_modify(|records| records.extend(all_records(&request)));
            ([("content-type", "application/json")], "{}")
        };
        let app = Router::new().route("/v1/logs", post(accept));
        let server = tokio::spawn(async move {
            axum::serve(listener, app).await.expect("the listener works");
        });
        Self { url: format!("http://{address}/v1/logs"), records, server }
    }

    /// Returns a builder for a service `tests` that exports its log records to this collector and its
    /// spans to `sink`. `variables` are set in its environment as well.
    pub fn telemetry(
        &self,
        sink: &SpanSink,
        variables: &'static [(&'static str, &'static str)],
    ) -> TelemetryBuilder {
        let url = self.url.clone();
        let set = move |name: &str| variables.iter().find(|(key, _)| *key == name).map(|it| it.1);
        let own = move |name: &str| {
            let value = match name {
                "OTEL_LOGS_EXPORTER" => Some("otlp"),
                "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT" => Some(&*url),
                "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL" => Some("http/json"),
                "OTEL_BLRP_SCHEDULE_DELAY" | "OTEL_BSP_SCHEDULE_DELAY" => Some("1"),
                _ => None,
            };
            value.map(str::to_owned)
        };
        crate::telemetry(sink)
            .log_writer(std::io::sink)
            .variables(move |name| set(name).map(str::to_owned).or_else(|| own(name)))
    }

    /// Returns the records that have arrived, each with the name of its scope as `scope`.
    pub fn records(&self) -> Vec<Value> {
        self.records.borrow().clone()
    }

    /// Waits until `count` records have arrived.
    ///
    /// # Panics
    ///
    /// If that takes too long, or if more than `count` have arrived.
    pub async fn wait_for(&self, count: usize) -> Vec<Value> {
        let mut arrived = self.records.subscribe();
        let waited = timeout(PATIENCE, arrived.wait_for(|records| records.len() >= count)).await;
        assert!(waited.is_ok(), "waited for {count} records, got {:#?}", self.records());
        let records = self.records();
        assert_eq!(records.len(), count, "{records:#?}");
        records
    }

    /// Waits for the only record of a test.
    pub async fn only(&self) -> Value {
        self.wait_for(1).await.remove(0)
    }
}

impl Drop for LogSink {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl fmt::Debug for LogSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogSink").field("records", &self.records()).finish_non_exhaustive()
    }
}

/// Returns the value of an attribute of a log record, without its type.
pub fn log_attribute<'a>(record: &'a Value, key: &str) -> Option<&'a Value> {
    let mut attributes = record["attributes"].as_array()?.iter();
    let found = attributes.find(|attribute| attribute["key"] == key)?;
    found["value"].as_object()?.values().next()
}

fn all_records(request: &Value) -> Vec<Value> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut records = Vec::new();
    for resource in list(&request["resourceLogs"]) {
        for scope in list(&resource["scopeLogs"]) {
            for mut record in list(&scope["logRecords"]) {
                record["scope"] = scope["scope"]["name"].clone();
                record["resource"] = json!(resource["resource"]["attributes"]);
                records.push(record);
            }
        }
    }
    records
}
