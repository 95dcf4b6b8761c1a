//! Comparison of two traces.

use maud::{Markup, html};

use crate::{
    analysis::{Difference, Side},
    model::{Attributes, format_duration},
    pages::parts::{
        layout::{Page, page},
        text::{color, show},
    },
    store::TraceSummary,
};

/// Maximum number of rows of the table.
const MOST_ROWS: usize = 1_000;
/// Maximum number of compared attributes of the roots.
const MOST_ATTRIBUTES: usize = 200;

/// Returns the page.
pub(crate) fn compare_page(traces: [&TraceSummary; 2], differences: &[Difference]) -> Page {
    let [first, second] = traces;
    page(
        "traces",
        "Comparison of two traces",
        None,
        html! {
            div.title {
                h1 { "Comparison of two traces" }
                nav.actions aria-label="Comparison" {
                    a href=(format!("compare?a={}&b={}", second.id, first.id)) { "Exchange A and B" }
                }
            }
            div.scroll {
                table {
                    thead {
                        tr { th {} th { "Request" } th.n { "Duration" } th.n { "Spans" } th.n { "Errors" } th { "Trace" } }
                    }
                    tbody { (trace("A", first)) (trace("B", second)) }
                }
            }
            (table(differences, first.duration.max(second.duration).max(1)))
            (attributes(&first.root.attributes, &second.root.attributes))
        },
    )
}

fn trace(name: &str, summary: &TraceSummary) -> Markup {
    html! {
        tr data-row {
            th scope="row" { (name) }
            td {
                i class=(format!("chip c{}", color(summary.root.service()))) {}
                (show(summary.root.service(), 40)) " " b { (show(&summary.root.operation(), 120)) }
            }
            td.n { (format_duration(summary.duration)) }
            td.n { (summary.spans) }
            td.n { (summary.errors) }
            td.mono { a href=(format!("traces/{}", summary.id)) { (summary.id) } }
        }
    }
}

fn table(differences: &[Difference], longest: u64) -> Markup {
    html! {
        div.scroll {
            table.spans {
                caption {
                    "Spans by path: durations and self times of the spans at the same place are added"
                }
                thead {
                    tr {
                        th { "Span" }
                        th.n { "A" } th.n { "B" }
                        th.n { "B − A" }
                        th { "Duration" }
                        th.n { "Self B − A" }
                    }
                }
                tbody { @for difference in differences.iter().take(MOST_ROWS) {
                    (row(difference, longest))
                } }
            }
        }
        @if differences.len() > MOST_ROWS { p.dim { (differences.len() - MOST_ROWS) " more rows" } }
    }
}

fn row(difference: &Difference, longest: u64) -> Markup {
    let [first, second] = &difference.sides;
    html! {
        tr data-row {
            td class=(format!("name d{}", difference.depth.min(24))) {
                i class=(format!("chip c{}", color(&difference.service))) {}
                span.dim { (show(&difference.service, 40)) } " "
                b { (show(&difference.name, 120)) }
                @match (first.count, second.count) {
                    (0, _) => { " " span.note { "only in B" } }
                    (_, 0) => { " " span.note { "only in A" } }
                    (a, b) if a != b => { " " span.note { "× " (a) " → × " (b) } }
                    (a, _) if a > 1 => { " " span.note { "× " (a) } }
                    _ => {}
                }
                @if first.errors != second.errors {
                    " " span.badge { (first.errors) " → " (second.errors) " errors" }
                }
            }
            td.n { (side(first)) }
            td.n { (side(second)) }
            td.n { (change(first.duration, second.duration, longest)) }
            td.duration { (bars(first, second, longest)) }
            td.n.dim { (change(first.self_time, second.self_time, longest)) }
        }
    }
}

fn side(side: &Side) -> Markup {
    html! { @if side.count > 0 { (format_duration(side.duration)) } @else { span.dim { "–" } } }
}

/// Returns the change as text. It is marked if it is at least a twentieth of the longer trace.
fn change(first: u64, second: u64, longest: u64) -> Markup {
    let difference = first.abs_diff(second);
    let sign = if second >= first { "+" } else { "−" };
    let is_large = difference >= longest / 20;
    let class = match (is_large, second > first) {
        (true, true) => Some("bad"),
        (true, false) => Some("better"),
        _ => None,
    };
    html! {
        @if difference > 0 { span class=[class] { (sign) (format_duration(difference)) } }
        @else { span.dim { "0" } }
    }
}

fn bars(first: &Side, second: &Side, longest: u64) -> Markup {
    let width =
        |side: &Side| format!("{:.1}%", (side.duration as f64 / longest as f64 * 100.0).min(100.0));
    html! {
        svg.track width="120" height="14" aria-hidden="true" {
            rect.back width="100%" height="6" rx="2" {}
            rect.bar width=(width(first)) height="6" rx="2" {}
            rect.back y="8" width="100%" height="6" rx="2" {}
            rect.second y="8" width=(width(second)) height="6" rx="2" {}
        }
    }
}

fn attributes(first: &Attributes, second: &Attributes) -> Markup {
    let text = |attributes: &Attributes, key: &str| {
        attributes.text(key).map_or_else(|| "–".to_owned(), |text| show(&text, 200))
    };
    let added = second.iter().filter(|(key, _)| first.find(key).is_none());
    let keys = first.iter().chain(added).map(|(key, _)| &**key);
    let changed: Vec<_> = keys
        .map(|key| (key, text(first, key), text(second, key)))
        .filter(|(_, first, second)| first != second)
        .take(MOST_ATTRIBUTES)
        .collect();
    html! {
        section {
            h2 { "Attributes of the roots that differ" }
            @if changed.is_empty() { p.dim { "None" } } @else {
                div.scroll {
                    table {
                        thead { tr { th { "Attribute" } th { "A" } th { "B" } } }
                        tbody { @for (key, first, second) in &changed {
                            tr data-row { td { (show(key, 200)) } td { (first) } td { (second) } }
                        } }
                    }
                }
            }
        }
    }
}
