use std::{
    fmt::{self, Write},
    time::{Duration, SystemTime},
};

use opentelemetry::trace::SpanKind;

use super::{
    details::Details,
    paint::{Colors, Painter},
    span::WaterfallSpan,
    style::Style,
    text::{duration, padded, safe, width},
    tree::Row,
};

const SERVICE_WIDTH: usize = 24;
const NAME_WIDTH: usize = 56;
const MIN_NAME: usize = 16;
const ERROR_WIDTH: usize = 48;
const MIN_ERROR: usize = 12;
const MIN_BAR: usize = 10;
const GAP: &str = "  ";

/// Time from the first start to the last end.
pub(super) struct TimeRange {
    pub(super) start: SystemTime,
    pub(super) length: Duration,
}

impl TimeRange {
    pub(super) fn new(spans: &[WaterfallSpan]) -> Self {
        let starts = spans.iter().map(|span| span.start);
        let start = starts.min().unwrap_or(SystemTime::UNIX_EPOCH);
        let ends = spans.iter().map(|span| since(start, span).saturating_add(span.duration));
        Self { start, length: ends.max().unwrap_or_default() }
    }
}

fn since(start: SystemTime, span: &WaterfallSpan) -> Duration {
    span.start.duration_since(start).unwrap_or_default()
}

/// Cells of a line before they are aligned.
pub(super) struct Line<'a> {
    span: &'a WaterfallSpan,
    row: &'a Row,
    service: String,
    name: String,
    status: String,
    offset: String,
    duration: String,
    from: f64,
    to: f64,
    error: Option<&'a str>,
    details: Option<Details>,
}

impl<'a> Line<'a> {
    pub(super) fn new(
        span: &'a WaterfallSpan,
        row: &'a Row,
        extent: &TimeRange,
        style: Style,
    ) -> Self {
        let offset = since(extent.start, span);
        let share = |at: Duration| match extent.length.is_zero() {
            true => 1.0,
            false => at.as_secs_f64() / extent.length.as_secs_f64(),
        };
        let details = span.details.as_deref().filter(|_| style.attributes);
        Self {
            span,
            row,
            service: safe(&span.service, SERVICE_WIDTH),
            name: safe(&format!("{}{}{}", row.prefix, mark(&span.kind), span.name), NAME_WIDTH),
            status: status(span),
            offset: duration(offset),
            duration: duration(span.duration),
            from: share(offset),
            to: share(offset.saturating_add(span.duration)),
            error: explained(span),
            details: details.map(|details| Details::new(details, extent.start)),
        }
    }

    pub(super) fn write(
        &self,
        f: &mut fmt::Formatter<'_>,
        columns: &Columns,
        colors: &Colors<'_>,
        paint: Painter,
    ) -> fmt::Result {
        let color = colors.color(&self.span.service);
        let status = self.padded_status(columns.status);
        let (bar, bar_end) = self.bar(columns.bar);
        let mut line = String::new();
        write!(
            line,
            "{}{GAP}{}{GAP}{}{GAP}{}{GAP}{}{GAP}{}",
            paint.with(color, &padded(&self.service, columns.service)),
            padded(&safe(&self.name, columns.name), columns.name),
            self.span.error.as_ref().map_or(status.clone(), |_| paint.red(&status)),
            paint.dim(&format!("{:>width$}", self.offset, width = columns.offset)),
            format_args!("{:>width$}", self.duration, width = columns.duration),
            paint.with(color, &bar),
        )?;
        if let Some(error) = self.error {
            let room = columns.rest.saturating_sub(bar_end + 1);
            write!(line, " {}", paint.red(&safe(error, room.clamp(MIN_ERROR, ERROR_WIDTH))))?;
        }
        writeln!(f, "{}", line.trim_end())?;
        self.write_details(f, columns, paint)
    }

    fn write_details(
        &self,
        f: &mut fmt::Formatter<'_>,
        columns: &Columns,
        paint: Painter,
    ) -> fmt::Result {
        let Some(details) = &self.details else {
            return Ok(());
        };
        let margin = format!("{}{GAP}{}", " ".repeat(columns.service), self.row.below);
        let lines = details.lines(&margin, columns.width, paint);
        lines.iter().try_for_each(|line| writeln!(f, "{}", line.trim_end()))
    }

    /// Aligns status codes with and without a mark in the same column.
    fn padded_status(&self, columns: usize) -> String {
        match self.span.error {
            Some(_) => padded(&self.status, columns),
            None => format!("{:>columns$}", self.status),
        }
    }

    /// Returns the bar and the column in which it ends.
    fn bar(&self, columns: usize) -> (String, usize) {
        let cells = columns as f64;
        let start = ((self.from * cells).floor() as usize).min(columns - 1);
        let end = ((self.to * cells).ceil() as usize).clamp(start + 1, columns);
        (format!("{}{}", " ".repeat(start), "█".repeat(end - start)), end)
    }
}

fn mark(kind: &SpanKind) -> &'static str {
    match kind {
        SpanKind::Client => "→ ",
        SpanKind::Producer => "» ",
        SpanKind::Consumer => "« ",
        SpanKind::Server | SpanKind::Internal => "",
    }
}

fn status(span: &WaterfallSpan) -> String {
    let code = span.status_code.map(|code| code.to_string());
    match (code, &span.error) {
        (Some(code), Some(_)) => format!("✗ {code}"),
        (Some(code), None) => code,
        (None, Some(_)) => "✗".to_owned(),
        (None, None) => String::new(),
    }
}

/// Returns the error, unless it is the status code: the error `500` does not explain a 500.
fn explained(span: &WaterfallSpan) -> Option<&str> {
    let status = span.status_code.map(|code| code.to_string());
    span.error.as_deref().filter(|error| status.as_deref() != Some(*error))
}

/// Width of each column.
pub(super) struct Columns {
    width: usize,
    service: usize,
    name: usize,
    status: usize,
    offset: usize,
    duration: usize,
    bar: usize,
    /// Width of bars and errors together.
    rest: usize,
}

impl Columns {
    /// Bars get the remaining width. If that is too small, names and errors are truncated.
    pub(super) fn fit(lines: &[Line<'_>], width: usize) -> Self {
        let service = widest(lines, |line| &line.service);
        let status = widest(lines, |line| &line.status);
        let offset = widest(lines, |line| &line.offset);
        let duration = widest(lines, |line| &line.duration);
        let fixed = service + status + offset + duration + 5 * GAP.len();
        let has_errors = lines.iter().any(|line| line.error.is_some());
        let least = if has_errors { MIN_BAR + 1 + MIN_ERROR } else { MIN_BAR };
        let name = widest(lines, |line| &line.name);
        let name = name.min(width.saturating_sub(fixed + least).max(MIN_NAME));
        let rest = width.saturating_sub(fixed + name).max(least);
        let bars = lines.iter().filter_map(|line| line.longest_bar(rest));
        let bar = bars.min().unwrap_or(rest).max(MIN_BAR);
        Self { width, service, name, status, offset, duration, bar, rest }
    }
}

impl Line<'_> {
    /// Returns the largest width of the bar column with which this error fits behind its bar.
    /// `columns` is the width of both. An error that would leave less than half of it to the bars
    /// is truncated.
    fn longest_bar(&self, columns: usize) -> Option<usize> {
        let reason = width(&safe(self.error?, ERROR_WIDTH)) + 1;
        let half = (columns / 2).min(columns.saturating_sub(1 + MIN_ERROR));
        let room = columns.saturating_sub(reason).max(half);
        Some(((room as f64 / self.to).floor() as usize).min(columns))
    }
}

fn widest<'a>(lines: &'a [Line<'a>], cell: impl Fn(&'a Line<'a>) -> &'a String) -> usize {
    lines.iter().map(|line| width(cell(line))).max().unwrap_or(0)
}
