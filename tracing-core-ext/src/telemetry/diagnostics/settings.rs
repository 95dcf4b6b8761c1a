//! Settings in effect, for [`Status`](crate::telemetry::Status).

use std::{collections::BTreeMap, time::Duration};

use opentelemetry_sdk::Resource;

use crate::{
    config::{Config, env::NO_LIMIT},
    propagation::Propagator,
    telemetry::builder::TelemetryBuilder,
};

/// Settings by the names of their variables.
pub(crate) type Settings = BTreeMap<&'static str, String>;

/// Returns the settings that code, the environment or a default has set.
pub(crate) fn settings(
    builder: &TelemetryBuilder,
    config: &Config,
    propagator: &Propagator,
) -> Settings {
    let (batch, limits, metrics) = (&config.batch, &config.limits, &config.metrics);
    let counts = limits.counts;
    let value_length = limits.value.map_or("none".to_owned(), |length| length.to_string());
    let file = config.file.as_ref().map_or("none", |file| &file.name);
    Settings::from([
        ("OTEL_CONFIG_FILE", file.to_owned()),
        ("OTEL_SDK_DISABLED", config.is_disabled.to_string()),
        ("OTEL_PROPAGATORS", propagator.header_names().join(",")),
        ("OTEL_BSP_MAX_QUEUE_SIZE", batch.queue.to_string()),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", batch.size.to_string()),
        ("OTEL_BSP_SCHEDULE_DELAY", batch.delay.map_or("default".to_owned(), milliseconds)),
        ("OTEL_BSP_EXPORT_TIMEOUT", milliseconds(batch.export_timeout)),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", counts.max_attributes_per_span.to_string()),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", counts.max_events_per_span.to_string()),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", counts.max_links_per_span.to_string()),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", counts.max_attributes_per_event.to_string()),
        ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", counts.max_attributes_per_link.to_string()),
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", value_length),
        ("OTEL_METRIC_EXPORT_INTERVAL", milliseconds(metrics.interval)),
        ("OTEL_METRIC_EXPORT_TIMEOUT", milliseconds(metrics.timeout)),
        ("max_queue_bytes", batch.max_bytes.to_string()),
        ("span_level", builder.span_level.to_string()),
        ("shutdown_timeout", milliseconds(builder.shutdown_timeout)),
        ("strict", builder.is_strict.to_string()),
    ])
}

/// Returns the attributes of the resource as text.
pub(crate) fn resource_texts(resource: &Resource) -> BTreeMap<String, String> {
    resource.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

fn milliseconds(duration: Duration) -> String {
    match duration {
        NO_LIMIT => "none".to_owned(),
        duration => duration.as_millis().to_string(),
    }
}
