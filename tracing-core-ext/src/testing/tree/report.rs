//! Waterfalls in the messages of failed expectations.

use std::fmt::Write;

use super::compare::Difference;
use crate::{
    telemetry::{Style, Waterfall, WaterfallSpan},
    testing::recorded::store::StoredSpan,
};

/// Columns of a waterfall in a message.
const WIDTH: usize = 100;
const MARK: &str = "> ";
const NO_MARK: &str = "  ";

/// Returns the waterfall of a trace.
pub(crate) fn waterfall(spans: &[StoredSpan]) -> Waterfall {
    let spans = spans.iter();
    let converted =
        spans.map(|it| WaterfallSpan::from_span_data(&it.service, (*it.data).clone())).collect();
    Waterfall::new(converted)
}

/// Returns the waterfall of a trace as text, without a margin.
pub(crate) fn text(spans: &[StoredSpan]) -> String {
    waterfall(spans).render(Style::default().width(WIDTH)).to_string()
}

/// Returns the waterfall of a trace, in which the lines that differ are marked.
pub(crate) fn marked(spans: &[StoredSpan], differences: &[Difference]) -> String {
    let waterfall = waterfall(spans);
    let text = waterfall.render(Style::default().width(WIDTH)).to_string();
    let mut lines = text.lines();
    let mut report = String::new();
    // The first line is the header.
    write_line(&mut report, NO_MARK, lines.next().unwrap_or_default());
    write_differences(&mut report, differences.iter().filter(|it| it.span.is_none()));
    for (line, span) in lines.zip(waterfall.order()) {
        let mut of_span = differences.iter().filter(|it| it.span == Some(span)).peekable();
        let mark = if of_span.peek().is_some() { MARK } else { NO_MARK };
        write_line(&mut report, mark, line);
        write_differences(&mut report, of_span);
    }
    report
}

fn write_differences<'a>(report: &mut String, all: impl Iterator<Item = &'a Difference>) {
    all.for_each(|it| write_line(report, NO_MARK, &format!("    {}", it.text)));
}

fn write_line(report: &mut String, margin: &str, line: &str) {
    let _ = writeln!(report, "{}", format!("{margin}{line}").trim_end());
}

/// Returns the waterfalls of all traces, with a margin.
pub(crate) fn all(traces: &[Vec<StoredSpan>]) -> String {
    traces.iter().map(|spans| marked(spans, &[])).collect()
}
