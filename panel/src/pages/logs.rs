//! Log records.

use maud::{Markup, html};

use super::{
    parts::layout::{Choice, Page, empty, page},
    parts::text::{color, encode, show},
    traces::search_form,
};
use crate::{
    model::{LogRecord, format_time},
    query::QueryError,
    store::LogHit,
};

/// Returns the page.
pub(crate) fn logs_page(
    query: &str,
    error: Option<&QueryError>,
    choice: &Choice,
    hits: &[LogHit],
    has_more: bool,
    nothing_stored: bool,
) -> Page {
    page(
        "logs",
        "Logs",
        Some("logs.js"),
        html! {
            div.title { h1 { "Logs" } }
            (search_form("logs", query, error, choice, None))
            nav.quick aria-label="Severity" {
                @for term in ["severity>=error", "severity>=warn", "severity>=info"] {
                    a href=(format!("logs?q={}", encode(term))) { (term) }
                }
            }
            @if hits.is_empty() && nothing_stored {
                (empty("No log records yet"))
            } @else if hits.is_empty() && error.is_none() {
                section.empty { h2 { "No record matches" } }
            }
            div.scroll {
                table.logs {
                    tbody #logs data-query=(query) { @for hit in hits { (log_row(&hit.record)) } }
                }
            }
            @if let (true, Some(last)) = (has_more, hits.last()) {
                p.pager {
                    a href=(format!("logs?q={}&before={}", encode(query), last.number)) {
                        "Older records"
                    }
                }
            }
        },
    )
}

/// Returns the row of a record.
pub(crate) fn log_row(record: &LogRecord) -> Markup {
    let time = format_time(record.time);
    html! {
        tr data-row class=(format!("row-{}", record.severity)) {
            td.dim.time { time datetime=(time) title=(time) { (time[11..23]) } }
            td { span class=(format!("sev {}", record.severity)) { (record.severity) } }
            td.from {
                i class=(format!("chip c{}", color(record.service()))) {}
                (show(record.service(), 40))
            }
            td.body {
                @if !record.scope.name.is_empty() { span.dim { (show(&record.scope.name, 80)) ": " } }
                span { (show(&record.body, 2_000)) }
                @for (key, value) in record.attributes.iter().take(20) {
                    " " span.pair { (show(key, 80)) "=" b { (show(&value.text(), 200)) } }
                }
            }
            td.n { @if let Some(trace) = record.trace_id {
                @let span = record.span_id.map(|span| format!("?span={span}")).unwrap_or_default();
                a href=(format!("traces/{trace}{span}")) { "trace" }
            } }
        }
    }
}
