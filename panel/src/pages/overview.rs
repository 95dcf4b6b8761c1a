//! Services and operations with rate, errors and percentiles.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::{
    parts::chart::{histogram, sparkline},
    parts::layout::{Choice, Page, empty, page, windows},
    parts::text::{color, encode, number, show},
};
use crate::{
    analysis::{Overview, Row},
    model::format_duration,
    query::quote,
};

/// Returns the page.
pub(crate) fn overview_page(
    overview: &Overview,
    in_flight: &BTreeMap<String, u64>,
    choice: &Choice,
) -> Page {
    let total = &overview.total;
    page(
        "overview",
        "Overview",
        None,
        html! {
            div.title { h1 { "Overview" } (windows("overview", "", choice)) }
            @if total.count == 0 {
                (empty("No requests in this window"))
            } @else {
                (figures(total, in_flight.values().sum()))
                @if choice.window.from > 0 {
                    (histogram(&total.counts, &total.failures, choice.window))
                }
                (table(&overview.rows, in_flight, choice))
                p.dim {
                    "Percentiles are computed from spans: requests, messages and roots of traces."
                }
            }
        },
    )
}

fn figures(total: &Row, in_flight: u64) -> Markup {
    let [p50, p95, p99] = total.percentiles;
    html! {
        dl.figures {
            div { dt { "Requests" } dd { (total.count) } }
            div { dt { "In flight" } dd { a href="running" { (in_flight) } } }
            div { dt { "Rate" } dd { (number(total.rate)) small { " /s" } } }
            div {
                dt { "Errors" } dd class=[(total.failed > 0).then_some("bad")] { (percent(total)) }
            }
            div { dt { "p50" } dd { (format_duration(p50)) } }
            div { dt { "p95" } dd { (format_duration(p95)) } }
            div { dt { "p99" } dd { (format_duration(p99)) } }
        }
    }
}

fn percent(row: &Row) -> String {
    let percent = row.failed as f64 * 100.0 / row.count.max(1) as f64;
    format!("{} %", number((percent * 100.0).round() / 100.0))
}

fn table(rows: &[Row], in_flight: &BTreeMap<String, u64>, choice: &Choice) -> Markup {
    html! {
        div.scroll {
            table.operations {
                thead { tr {
                    th { "Operation" }
                    th { "Requests" }
                    th.n { "Count" }
                    th.n { "Rate" }
                    th.n { "Errors" }
                    th.n { "p50" } th.n { "p95" } th.n { "p99" }
                } }
                @for group in rows.chunk_by(|a, b| a.service == b.service) {
                    tbody {
                        tr.service {
                            th colspan="8" scope="rowgroup" {
                                (service(&group[0].service))
                                @if let Some(count) = in_flight.get(&group[0].service) {
                                    " " a.note href="running" { (count) " in flight" }
                                }
                            }
                        }
                        @for row in group { (operation(row, choice)) }
                    }
                }
            }
        }
    }
}

fn service(name: &str) -> Markup {
    html! {
        a href=(format!("traces?q={}", encode(&format!("service:{}", quote(name))))) {
            i class=(format!("chip c{}", color(name))) {} (show(name, 100))
        }
    }
}

fn operation(row: &Row, choice: &Choice) -> Markup {
    let query = format!("service:{} operation:{}", quote(&row.service), quote(&row.operation));
    let address = format!("traces?q={}&window={}", encode(&query), choice.name);
    let failed =
        format!("traces?q={}&window={}", encode(&format!("{query} error:true")), choice.name);
    let [p50, p95, p99] = row.percentiles;
    html! {
        tr data-row {
            td.name { a href=(address) { (show(&row.operation, 160)) } }
            td { (sparkline(&row.counts, &row.failures)) }
            td.n { (row.count) }
            td.n { (number(row.rate)) small { " /s" } }
            td.n {
                @if row.failed > 0 {
                    a.bad href=(failed) { (percent(row)) }
                } @else {
                    span.dim { "0 %" }
                }
            }
            td.n { (format_duration(p50)) }
            td.n { (format_duration(p95)) }
            td.n { (format_duration(p99)) }
        }
    }
}
