use opentelemetry_sdk::trace::SpanLimits;

use super::env::Env;
use crate::{base::error::TelemetryError, exchange::builder::VALUE_LIMIT_VARIABLES};

/// What a span may hold: OpenTelemetry environment variable specification, "Attribute Limits" and "Span Limits".
#[derive(Debug)]
pub(crate) struct LimitsConfig {
    pub(crate) counts: SpanLimits,
    /// In characters.
    pub(crate) value: Option<usize>,
}

impl Env {
    pub(super) fn limits(&self) -> Result<LimitsConfig, TelemetryError> {
        let defaults = SpanLimits::default();
        let any = "OTEL_ATTRIBUTE_COUNT_LIMIT";
        let limit =
            |variables, default| Ok(self.count(variables, "a whole number")?.unwrap_or(default));
        Ok(LimitsConfig {
            counts: SpanLimits {
                max_attributes_per_span: limit(
                    ["OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", any],
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
                    ["OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", any],
                    defaults.max_attributes_per_event,
                )?,
                max_attributes_per_link: limit(
                    ["OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", any],
                    defaults.max_attributes_per_link,
                )?,
            },
            value: self.count(VALUE_LIMIT_VARIABLES, "a whole number of characters")?,
        })
    }

    fn count<N: std::str::FromStr>(
        &self,
        variables: [&'static str; 2],
        expected: &'static str,
    ) -> Result<Option<N>, TelemetryError> {
        let found = self.first_set(variables)?;
        let number = found.map(|(name, value)| {
            let number = value.trim().parse();
            number.map_err(|_| TelemetryError::setting(name, value, expected))
        });
        number.transpose()
    }
}
