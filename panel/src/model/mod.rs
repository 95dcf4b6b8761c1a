//! Spans, log records and metric points, as the panel stores them.

mod ids;
mod intern;
mod log;
mod metric;
mod resource;
mod span;
mod time;
mod truncate;
mod value;

pub(crate) use self::truncate::truncate;
pub use self::{
    ids::{SpanId, TraceId},
    intern::Interner,
    log::{LogRecord, Severity},
    metric::{Exemplar, Histogram, MetricKind, MetricPoint, PointValue, Sample},
    resource::{Resource, Scope},
    span::{Event, Kind, Link, Span, Status},
    time::{Nanos, format_duration, format_time, now, parse_duration},
    value::{Attributes, Value},
};
