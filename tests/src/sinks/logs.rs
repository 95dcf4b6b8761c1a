use std::io;

use serde_json::{Value, json};
use tracing_core_ext::{
    telemetry::TelemetryBuilder,
    testing::{Collector, ReceivedRequest},
};

use crate::SpanSink;

/// Collector of the log records of one test, over OTLP/JSON.
#[derive(Debug)]
pub struct LogSink(Collector);

impl LogSink {
    /// Starts a collector on a free port.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    pub fn start() -> Self {
        Self(Collector::start().expect("a free port"))
    }

    /// Returns a builder for a service `tests` that exports its log records to this collector and its
    /// spans to `sink`. `variables` are set in its environment as well.
    pub fn telemetry(
        &self,
        sink: &SpanSink,
        variables: &'static [(&'static str, &'static str)],
    ) -> TelemetryBuilder {
        let url = format!("{}/v1/logs", self.0.endpoint());
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
            .log_writer(io::sink)
            .variables(move |name| set(name).map(str::to_owned).or_else(|| own(name)))
    }

    /// Returns the records that have arrived, each with the name of its scope as `scope`.
    pub fn records(&self) -> Vec<Value> {
        self.0.requests().iter().flat_map(records_of).collect()
    }

    /// Waits until `count` records have arrived.
    ///
    /// # Panics
    ///
    /// If that takes too long, or if more than `count` have arrived.
    pub async fn wait_for(&self, count: usize) -> Vec<Value> {
        let mut requests = self.0.requests();
        loop {
            let records: Vec<_> = requests.iter().flat_map(records_of).collect();
            if records.len() >= count {
                assert_eq!(records.len(), count, "{records:#?}");
                return records;
            }
            requests = self.0.wait_for_requests(requests.len() + 1).await;
        }
    }

    /// Waits for the only record of a test.
    pub async fn only(&self) -> Value {
        self.wait_for(1).await.remove(0)
    }
}

/// Returns the value of an attribute of a log record, without its type.
pub fn log_attribute<'a>(record: &'a Value, key: &str) -> Option<&'a Value> {
    let mut attributes = record["attributes"].as_array()?.iter();
    let found = attributes.find(|attribute| attribute["key"] == key)?;
    found["value"].as_object()?.values().next()
}

fn records_of(request: &ReceivedRequest) -> Vec<Value> {
    let request: Value = serde_json::from_slice(&request.body).expect("OTLP/JSON");
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
