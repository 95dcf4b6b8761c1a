//! Page of one trace, and comparison of two traces.

mod compare;
mod details;

use std::sync::Arc;

use maud::{Markup, html};

pub(crate) use self::{compare::compare_page, details::span_details};
use super::{
    logs::log_row,
    parts::layout::{Page, age, page},
    parts::text::{color, show},
};
use crate::{
    analysis::{Peer, SelfTime, TreeRow, self_times},
    model::{LogRecord, Span, SpanId, format_duration},
    store::TraceSummary,
};

/// Maximum number of rows of the table without the script, which shows all rows.
const MOST_ROWS: usize = 1_000;
/// Maximum number of rows in the table of self times.
const MOST_SUMS: usize = 20;

/// Content of the page of a trace.
#[derive(Debug)]
pub(crate) struct TraceView<'a> {
    pub(crate) summary: &'a TraceSummary,
    pub(crate) rows: &'a [TreeRow],
    pub(crate) logs: &'a [Arc<LogRecord>],
    /// Requests of the same operation.
    pub(crate) peers: &'a [Peer],
    /// Span whose details are shown.
    pub(crate) selected: &'a Span,
    /// Number of rows before the first row of the table.
    pub(crate) from: usize,
}

/// Returns the page of a trace with the details of one span.
pub(crate) fn trace_page(view: &TraceView<'_>) -> Page {
    let TraceView { summary, rows, logs, selected, .. } = view;
    let title = show(&summary.root.operation(), 120);
    page(
        "traces",
        &title,
        Some("trace.js"),
        html! {
            div.title {
                h1 {
                    i class=(format!("chip c{}", color(summary.root.service()))) {}
                    (show(summary.root.service(), 60)) " "
                    b { (title) }
                }
                nav.actions aria-label="Trace" {
                    a href=(format!("api/traces/{}/otlp", summary.id)) download { "OTLP JSON" }
                    " "
                    a href=(format!("api/traces/{}/perfetto", summary.id)) download { "Perfetto" }
                }
            }
            (figures(summary))
            div #trace .trace data-id=(summary.id) data-selected=(selected.id) {
                div {
                    div.waterfall { (table(summary, rows, logs, selected.id, view.from)) }
                    (log_lines(logs))
                    (self_time_table(&self_times(rows), summary.duration))
                    (comparison(summary, view.peers))
                }
                aside #details aria-label="Details of the span" tabindex="-1" {
                    (span_details(selected, logs))
                }
            }
        },
    )
}

fn self_time_table(sums: &[SelfTime], duration: u64) -> Markup {
    let share = |sum: &SelfTime| sum.self_time as f64 / duration.max(1) as f64 * 100.0;
    html! {
        section.below #self-times {
            h2 { "Self time by operation" }
            p.dim { "Time in which no span below was running." }
            div.scroll {
                table {
                    thead {
                        tr {
                            th { "Operation" }
                            th.n { "Spans" }
                            th { "Self time" }
                            th.n { "Longest" }
                        }
                    }
                    tbody { @for sum in sums.iter().take(MOST_SUMS) {
                        tr {
                            td.name {
                                i class=(format!("chip c{}", color(&sum.service))) {}
                                span.dim { (show(&sum.service, 40)) } " " b { (show(&sum.name, 120)) }
                            }
                            td.n { (sum.count) }
                            td.duration {
                                svg.track width="120" height="8" aria-hidden="true" {
                                    rect.back width="100%" height="8" rx="2" {}
                                    rect.bar width=(format!("{:.1}%", share(sum).min(100.0)))
                                        height="8" rx="2" {}
                                }
                                span { (format_duration(sum.self_time)) }
                            }
                            td.n { (format_duration(sum.longest)) }
                        }
                    } }
                }
            }
            @if sums.len() > MOST_SUMS { p.dim { (sums.len() - MOST_SUMS) " more operations" } }
        }
    }
}

fn comparison(summary: &TraceSummary, peers: &[Peer]) -> Markup {
    html! {
        section.below {
            h2 { "Compare with another trace" }
            form.compare action="compare" {
                input type="hidden" name="a" value=(summary.id);
                @for peer in peers {
                    a href=(format!("compare?a={}&b={}", summary.id, peer.trace_id)) {
                        (peer.label) ", " (format_duration(peer.duration))
                    }
                }
                label.hidden for="b" { "Identifier of the other trace" }
                input #b type="search" name="b" required placeholder="identifier of a trace"
                    spellcheck="false" autocomplete="off";
                button { "Compare" }
            }
        }
    }
}

fn log_lines(logs: &[Arc<LogRecord>]) -> Markup {
    html! {
        @if !logs.is_empty() {
            section.below {
                h2 { "Log lines" }
                div.scroll {
                    table.logs {
                        tbody { @for record in logs.iter().take(MOST_ROWS) { (log_row(record)) } }
                    }
                }
                @if logs.len() > MOST_ROWS { p.dim { (logs.len() - MOST_ROWS) " more records" } }
            }
        }
    }
}

fn figures(summary: &TraceSummary) -> Markup {
    html! {
        dl.figures.small {
            div { dt { "Duration" } dd { (format_duration(summary.duration)) } }
            div { dt { "Spans" } dd { (summary.spans) } }
            div {
                dt { "Errors" }
                dd class=[(summary.errors > 0).then_some("bad")] { (summary.errors) }
            }
            div { dt { "Started" } dd { (age(summary.start)) } }
            div.wide.services {
                dt { "Services" }
                dd.chips {
                    @for (service, count) in summary.services.iter().take(12) {
                        span title=(format!("{count} spans")) {
                            i class=(format!("chip c{}", color(service))) {} (show(service, 30)) " "
                        }
                    }
                }
            }
            div.wide { dt { "Trace" } dd.mono { (summary.id) } }
        }
    }
}

fn table(
    summary: &TraceSummary,
    rows: &[TreeRow],
    logs: &[Arc<LogRecord>],
    selected: SpanId,
    from: usize,
) -> Markup {
    let shown = rows.iter().skip(from).take(MOST_ROWS);
    let address = format!("traces/{}", summary.id);
    html! {
        table.spans #spans {
            thead {
                tr {
                    th { "Span" }
                    th.n { "Duration" }
                    th.n { "Self" }
                    th { "0" span.right { (format_duration(summary.duration)) } }
                }
            }
            tbody {
                @for row in shown {
                    (span_row(summary, row, selected))
                    @let records = logs.iter().filter(|record| record.span_id == Some(row.span.id));
                    @for record in records.take(20) {
                        tr.log { td colspan="4" class=(indent(row.depth + 1)) {
                            span class=(format!("sev {}", record.severity)) { (record.severity) }
                            " " (show(&record.body, 300))
                        } }
                    }
                }
            }
        }
        @if rows.len() > MOST_ROWS {
            p.pager {
                "Rows " (from + 1) " to " (rows.len().min(from + MOST_ROWS)) " of " (rows.len()) " "
                @if from > 0 {
                    a href=(format!("{address}?from={}", from.saturating_sub(MOST_ROWS))) { "previous" } " "
                }
                @if from + MOST_ROWS < rows.len() {
                    a href=(format!("{address}?from={}", from + MOST_ROWS)) { "next" }
                }
            }
        }
    }
}

fn indent(depth: usize) -> String {
    format!("d{}", depth.min(24))
}

fn span_row(summary: &TraceSummary, row: &TreeRow, selected: SpanId) -> Markup {
    let span = &row.span;
    let total = summary.duration.max(1) as f64;
    let left = span.start.saturating_sub(summary.start) as f64 / total * 100.0;
    let width = span.duration() as f64 / total * 100.0;
    html! {
        tr aria-selected=[(span.id == selected).then_some("true")] {
            td class=(format!("name {}", indent(row.depth))) {
                i class=(format!("chip c{}", color(span.service()))) {}
                a href=(format!("traces/{}?span={}", span.trace_id, span.id)) {
                    (show(span.service(), 40)) " " b { (show(&span.name, 160)) }
                }
                @if span.is_error() { " " span.badge { "error" } }
                @if row.repeated > 0 { " " span.note { "× " (row.repeated) } }
                @if let Some((_, gap)) = row.gap {
                    " "
                    span.note title="Longest time in which no span below was running" {
                        "gap " (format_duration(gap))
                    }
                }
                @if row.orphan {
                    " " span.note title="The parent of this span is not stored" { "parent missing" }
                }
                @if row.skewed {
                    " "
                    span.note title="This span starts before its parent: the clocks differ" {
                        "clock skew"
                    }
                }
            }
            td.n { (format_duration(span.duration())) }
            td.n.dim { (format_duration(row.self_time)) }
            td.timeline {
                svg width="100%" height="14" aria-hidden="true" {
                    rect class=(format!("c{}", color(span.service())))
                        x=(format!("{:.3}%", left.min(99.8)))
                        width=(format!("{:.3}%", width.clamp(0.2, 100.0))) y="2" height="10"
                            rx="2" {}
                    @if row.critical {
                        rect.critical x=(format!("{:.3}%", left.min(99.8)))
                            width=(format!("{:.3}%", width.clamp(0.2, 100.0))) y="12" height="2" {}
                    }
                }
            }
        }
    }
}
