use std::{
    collections::BTreeSet,
    fmt::{self, Write},
    io::{self, IsTerminal},
    time::{Duration, SystemTime},
};

use super::{
    Waterfall, WaterfallSpan,
    text::{counted, duration, safe},
};

const SERVICE_WIDTH: usize = 24;
const NAME_WIDTH: usize = 56;
const ERROR_WIDTH: usize = 48;
const LEAST_BAR: usize = 10;

/// How a [`Waterfall`] is printed: 120 columns wide and without colours unless told otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    width: usize,
    color: bool,
}

impl Style {
    /// With colours when standard output is a terminal and `NO_COLOR` is not set.
    pub fn for_stdout() -> Self {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self::default().color(!no_color && io::stdout().is_terminal())
    }

    /// With colours or without.
    #[must_use]
    pub fn color(mut self, color: bool) -> Self {
        self.color = color;
        self
    }

    /// As many columns wide as this, if the text leaves room for bars.
    #[must_use]
    pub fn width(mut self, columns: usize) -> Self {
        self.width = columns;
        self
    }
}

impl Default for Style {
    fn default() -> Self {
        Self { width: 120, color: false }
    }
}

/// A [`Waterfall`] in a certain [`Style`], to be printed.
#[derive(Debug)]
pub struct Rendered<'a> {
    waterfall: &'a Waterfall,
    style: Style,
}

impl<'a> Rendered<'a> {
    pub(super) fn new(waterfall: &'a Waterfall, style: Style) -> Self {
        Self { waterfall, style }
    }

    fn lines(&self) -> Vec<Line<'a>> {
        let Waterfall { spans, rows, .. } = self.waterfall;
        let extent = Extent::of(spans);
        let line = |row: &super::Row| Line::new(&spans[row.span], &row.prefix, &extent);
        rows.iter().map(line).collect()
    }

    fn header(&self, lines: &[Line<'_>]) -> String {
        let spans = &self.waterfall.spans;
        let services: BTreeSet<_> = spans.iter().map(|span| &span.service).collect();
        let trace_id = spans[0].trace_id;
        let later = if self.waterfall.later { "  later" } else { "" };
        format!(
            "trace {trace_id}{later}  {}  {}  {}",
            counted(services.len(), "service"),
            counted(lines.len(), "span"),
            duration(Extent::of(spans).length),
        )
    }
}

impl fmt::Display for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.lines();
        if lines.is_empty() {
            return Ok(());
        }
        let paint = Paint(self.style.color);
        writeln!(f, "{}", paint.bold(&self.header(&lines)))?;
        let columns = Columns::fitting(&lines, self.style.width);
        lines.iter().try_for_each(|line| line.write(f, &columns, paint))
    }
}

/// From the first start to the last end.
struct Extent {
    start: SystemTime,
    length: Duration,
}

impl Extent {
    fn of(spans: &[WaterfallSpan]) -> Self {
        let starts = spans.iter().map(|span| span.start);
        let start = starts.min().unwrap_or(SystemTime::UNIX_EPOCH);
        let ends = spans.iter().map(|span| since(start, span).saturating_add(span.duration));
        Self { start, length: ends.max().unwrap_or_default() }
    }
}

fn since(start: SystemTime, span: &WaterfallSpan) -> Duration {
    span.start.duration_since(start).unwrap_or_default()
}

/// The cells of a line, before they are aligned.
struct Line<'a> {
    service: String,
    name: String,
    status: String,
    offset: String,
    duration: String,
    from: f64,
    to: f64,
    error: Option<&'a str>,
}

impl<'a> Line<'a> {
    fn new(span: &'a WaterfallSpan, prefix: &str, extent: &Extent) -> Self {
        let offset = since(extent.start, span);
        let share = |at: Duration| match extent.length.is_zero() {
            true => 1.0,
            false => at.as_secs_f64() / extent.length.as_secs_f64(),
        };
        Self {
            service: safe(&span.service, SERVICE_WIDTH),
            name: safe(&format!("{prefix}{}", span.name), NAME_WIDTH),
            status: status(span),
            offset: duration(offset),
            duration: duration(span.duration),
            from: share(offset),
            to: share(offset.saturating_add(span.duration)),
            error: span.error.as_deref(),
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, columns: &Columns, paint: Paint) -> fmt::Result {
        let color = color_of(&self.service);
        let service = padded(&self.service, columns.service);
        let status = padded(&self.status, columns.status);
        let mut line = String::new();
        write!(
            line,
            "{}  {}  {}  {:>offset$}  {:>duration$}  {}",
            paint.with(color, &service),
            padded(&self.name, columns.name),
            self.error.map_or(status.clone(), |_| paint.red(&status)),
            self.offset,
            self.duration,
            paint.with(color, &self.bar(columns.bar)),
            offset = columns.offset,
            duration = columns.duration,
        )?;
        if let Some(error) = self.error.filter(|error| *error != self.status_alone()) {
            write!(line, " {}", paint.red(&safe(error, ERROR_WIDTH)))?;
        }
        writeln!(f, "{}", line.trim_end())
    }

    fn bar(&self, width: usize) -> String {
        let cells = width as f64;
        let start = ((self.from * cells).floor() as usize).min(width - 1);
        let end = ((self.to * cells).ceil() as usize).clamp(start + 1, width);
        format!("{}{}", " ".repeat(start), "█".repeat(end - start))
    }

    /// The status without its mark, for a 500 is not explained by the error `500`.
    fn status_alone(&self) -> &str {
        self.status.trim_start_matches("✗ ")
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

struct Columns {
    service: usize,
    name: usize,
    status: usize,
    offset: usize,
    duration: usize,
    bar: usize,
}

impl Columns {
    fn fitting(lines: &[Line<'_>], width: usize) -> Self {
        let service = widest(lines, |line| &line.service);
        let name = widest(lines, |line| &line.name);
        let status = widest(lines, |line| &line.status);
        let offset = widest(lines, |line| &line.offset);
        let duration = widest(lines, |line| &line.duration);
        let gaps = 5 * 2;
        let text = service + name + status + offset + duration + gaps;
        Self {
            service,
            name,
            status,
            offset,
            duration,
            bar: width.saturating_sub(text).max(LEAST_BAR),
        }
    }
}

fn widest<'a>(lines: &'a [Line<'a>], cell: impl Fn(&'a Line<'a>) -> &'a String) -> usize {
    let widths = lines.iter().map(|line| cell(line).chars().count());
    widths.max().unwrap_or(0)
}

fn padded(text: &str, width: usize) -> String {
    format!("{text:width$}")
}

#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn bold(self, text: &str) -> String {
        self.with(1, text)
    }

    fn red(self, text: &str) -> String {
        self.with(31, text)
    }

    fn with(self, code: u8, text: &str) -> String {
        match self.0 {
            true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            false => text.to_owned(),
        }
    }
}

/// One of the colours but red, the same each time for a service.
fn color_of(service: &str) -> u8 {
    const COLORS: [u8; 5] = [36, 35, 34, 33, 32];
    let sum: usize = service.bytes().map(usize::from).sum();
    COLORS[sum % COLORS.len()]
}

#[cfg(test)]
mod tests;
