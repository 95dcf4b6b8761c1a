//! Export of metrics over OTLP.

mod cardinality_warning;
mod exporter;
mod output;
#[cfg(test)]
mod tests;

pub(super) use self::output::OtlpMetrics;
