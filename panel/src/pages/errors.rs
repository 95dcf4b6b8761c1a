//! Groups of errors.

use maud::{Markup, html};

use super::{
    parts::chart::sparkline,
    parts::layout::{Choice, Page, age, page, windows},
    parts::text::{color, show},
};
use crate::analysis::ErrorGroup;

/// Returns the page.
pub(crate) fn errors_page(groups: &[ErrorGroup], choice: &Choice) -> Page {
    page(
        "errors",
        "Errors",
        None,
        html! {
            div.title { h1 { "Errors" } (windows("errors", "", choice)) }
            @if groups.is_empty() {
                section.empty { h2 { "No failed spans in this window" } }
            } @else {
                div.scroll {
                    table.errors {
                        thead {
                            tr {
                                th { "Error" }
                                th { "Operation" }
                                th { "Spans" }
                                th.n { "Count" }
                                th.n { "Last" }
                                th { "Examples" }
                            }
                        }
                        tbody { @for group in groups { (row(group)) } }
                    }
                }
            }
        },
    )
}

fn row(group: &ErrorGroup) -> Markup {
    html! {
        tr data-row {
            td.name {
                @if let Some(first) = group.examples.first() {
                    a.bad href=(format!("traces/{}?span={}", first.trace_id, first.id)) {
                        b {
                            @if group.kind.is_empty() { "error" } @else { (show(&group.kind, 80)) }
                        }
                    }
                }
                div.dim { (show(&group.message, 200)) }
            }
            td {
                i class=(format!("chip c{}", color(&group.service))) {}
                (show(&group.service, 40))
                div.dim { (show(&group.operation, 100)) }
            }
            td { (sparkline(&group.counts, &group.counts)) }
            td.n { (group.count) }
            td.n.dim { (age(group.last)) }
            td { @for (index, span) in group.examples.iter().enumerate() {
                a href=(format!("traces/{}?span={}", span.trace_id, span.id))
                    aria-label=(format!("Example {}", index + 1)) {
                    (index + 1)
                }
                " "
            } }
        }
    }
}
