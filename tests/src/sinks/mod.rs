//! Sinks of the telemetry of one test, without globals.

mod lines;
mod logs;
mod metrics;
mod scrape;
mod spans;

pub use self::{
    lines::Lines,
    logs::{LogSink, log_attribute},
    metrics::{MetricSink, Series},
    scrape::scrape,
    spans::{EndedSpanExt, SpanSink, assert_error, assert_no_error},
};
