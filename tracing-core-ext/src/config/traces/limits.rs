//! Limits of a span and of a log record: OpenTelemetry environment variable specification,
//! "Attribute Limits", "Span Limits" and "LogRecord Limits".

use opentelemetry_sdk::trace::SpanLimits;

use crate::{
    base::error::TelemetryError, config::env::Env, logs::LogLimits,
    trace::value_limit::VALUE_LIMIT_VARIABLES,
};

/// Limits of a span.
#[derive(Clone, Debug)]
pub(crate) struct LimitsConfig {
    pub(crate) counts: SpanLimits,
    /// Largest length of a string value, in characters.
    pub(crate) value: Option<usize>,
}

impl Env {
    pub(in crate::config) fn limits(&self) -> Result<LimitsConfig, TelemetryError> {
        const ANY: &str = "OTEL_ATTRIBUTE_COUNT_LIMIT";
        let defaults = SpanLimits::default();
        let limit =
            |variables, default| Ok(self.count(variables, "a whole number")?.unwrap_or(default));
        Ok(LimitsConfig {
            counts: SpanLimits {
                max_attributes_per_span: limit(
                    ["OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", ANY],
                    defaults.max_attributes_per_span,
                )?,
                max_events_per_span: limit(
                    ["OTEL_SPAN_EVENT_COUNT_LIMIT"; 2],
                    defaults.max_events_per_span,
                )?,
                max_links_per_span: limit(
                    ["OTEL_SPAN_LINK_COUNT_LIMIT"; 2],
                    defaults.max_links_per_span,
                )?,
                max_attributes_per_event: limit(
                    ["OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", ANY],
                    defaults.max_attributes_per_event,
                )?,
                max_attributes_per_link: limit(
                    ["OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", ANY],
                    defaults.max_attributes_per_link,
                )?,
            },
            value: self.count(VALUE_LIMIT_VARIABLES, "a whole number of characters")?,
        })
    }

    pub(in crate::config) fn log_limits(&self) -> Result<LogLimits, TelemetryError> {
        const COUNT: [&str; 2] =
            ["OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "OTEL_ATTRIBUTE_COUNT_LIMIT"];
        const LENGTH: [&str; 2] =
            ["OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT"];
        Ok(LogLimits {
            count: self.count(COUNT, "a whole number")?.unwrap_or(LogLimits::default().count),
            value_length: self.count(LENGTH, "a whole number of characters")?,
        })
    }

    fn count<N: TryFrom<u64>>(
        &self,
        variables: [&'static str; 2],
        expected: &'static str,
    ) -> Result<Option<N>, TelemetryError> {
        let most = u64::from(u32::MAX);
        let count = self.number(variables, 0..=most, expected)?;
        Ok(count.and_then(|count| N::try_from(count).ok()))
    }
}
