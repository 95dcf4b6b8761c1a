mod details;
mod line;
mod paint;
mod render;
mod span;
pub(crate) mod style;
pub(crate) mod text;
mod tree;

use std::fmt;

use self::tree::Row;
pub use self::{
    render::Rendered,
    span::{WaterfallDetails, WaterfallSpan},
    style::Style,
};
use opentelemetry::{SpanId, TraceId};

/// One trace, printed with a line for each span.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
///
/// use opentelemetry::trace::{SpanId, SpanKind, TraceId};
/// use tracing_core_ext::telemetry::{Waterfall, WaterfallSpan};
///
/// let span = WaterfallSpan {
///     trace_id: TraceId::from(0x0af7651916cd43dd8448eb211c80319c_u128),
///     span_id: SpanId::from(1_u64),
///     parent_span_id: None,
///     remote_parent: false,
///     service: "gateway".to_owned(),
///     name: "GET /checkout/{item}".to_owned(),
///     kind: SpanKind::Server,
///     start: UNIX_EPOCH,
///     duration: Duration::from_micros(41_200),
///     status_code: Some(200),
///     error: None,
///     details: None,
/// };
/// let printed = Waterfall::new(vec![span]).to_string();
/// assert!(printed.starts_with(
///     "trace 0af7651916cd43dd8448eb211c80319c  1 service  1 span  41.2 ms\n\
///      gateway  GET /checkout/{item}  200  0.00 ms  41.2 ms  ██████"
/// ));
/// ```
///
/// Spans stand below their parents, in the order of their starts. A span whose parent is not among
/// them is marked with `…`, unless the trace [is whole](Self::is_whole). A failed span is marked
/// with `✗` and shows its error. A client span has `→` before its name, a producer span `»`, a
/// consumer span `«`. All text of spans is made safe to print.
#[derive(Clone, Debug)]
pub struct Waterfall {
    spans: Vec<WaterfallSpan>,
    rows: Vec<Row>,
    later: bool,
    /// Number of spans of the trace that are missing because they were dropped.
    dropped: usize,
}

impl Waterfall {
    /// Arranges the spans of one trace. Duplicates of a span are shown once.
    pub fn new(mut spans: Vec<WaterfallSpan>) -> Self {
        spans.sort_by_key(|span| (span.start, span.span_id.to_bytes()));
        let rows = tree::arrange(&spans);
        Self { spans, rows, later: false, dropped: 0 }
    }

    /// Whether no span is known to be missing: all of them descend from one span that has no
    /// parent, or from requests of one caller in another process.
    pub fn is_whole(spans: &[WaterfallSpan]) -> bool {
        tree::is_whole(spans)
    }

    /// Marks these spans as an addition to a trace that was printed before.
    #[must_use]
    pub fn later(mut self, later: bool) -> Self {
        self.later = later;
        self
    }

    /// Marks the trace as one of which so many spans were dropped.
    #[must_use]
    pub(crate) fn with_dropped(mut self, dropped: usize) -> Self {
        self.dropped = dropped;
        self
    }

    /// Returns the id of the trace, or `None` if there are no spans.
    pub fn trace_id(&self) -> Option<TraceId> {
        self.spans.first().map(|span| span.trace_id)
    }

    pub(crate) fn spans(&self) -> &[WaterfallSpan] {
        &self.spans
    }

    /// Returns the spans in the order of their lines.
    pub(crate) fn order(&self) -> impl Iterator<Item = SpanId> {
        self.rows.iter().map(|row| self.spans[row.span].span_id)
    }

    /// Returns this waterfall in a style.
    pub fn render(&self, style: Style) -> Rendered<'_> {
        Rendered::new(self, style)
    }
}

impl fmt::Display for Waterfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.render(Style::default()).fmt(f)
    }
}
