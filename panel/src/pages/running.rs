//! Running requests.

use std::collections::HashSet;

use maud::{Markup, html};

use super::parts::{
    layout::{Page, age, page},
    text::{color, show},
};
use crate::{
    model::{Nanos, TraceId, format_duration},
    store::RunningRequest,
};

/// Maximum number of rows of the table.
const MOST_ROWS: usize = 500;

/// Returns the page. `stored` contains the traces with stored spans.
pub(crate) fn running_page(
    requests: &[RunningRequest],
    stored: &HashSet<TraceId>,
    unlisted: u64,
    now: Nanos,
) -> Page {
    page(
        "running",
        "Running requests",
        None,
        html! {
            div.title { h1 { "Running requests" } }
            div #fresh data-refresh="1000" {
                @if requests.is_empty() {
                    section.empty {
                        h2 { "No request is running" }
                        p.dim {
                            "This page lists requests of the process that contains the panel. "
                            "The overview has the number of requests in flight of other services, "
                            "if they send the metric http.server.active_requests."
                        }
                    }
                } @else {
                    (table(requests, stored, now))
                    @if requests.len() > MOST_ROWS {
                        p.dim { (requests.len() - MOST_ROWS) " later requests" }
                    }
                }
                @if unlisted > 0 {
                    p.dim { (unlisted) " requests since the start had no place in the list." }
                }
            }
        },
    )
}

fn table(requests: &[RunningRequest], stored: &HashSet<TraceId>, now: Nanos) -> Markup {
    html! {
        div.scroll {
            table {
                caption { (requests.len()) " running, oldest first" }
                thead {
                    tr { th { "Service" } th { "Request" } th { "Started" } th.n { "For" } th { "Trace" } }
                }
                tbody { @for request in requests.iter().take(MOST_ROWS) {
                    tr data-row {
                        td {
                            i class=(format!("chip c{}", color(&request.service))) {}
                            (show(&request.service, 60))
                        }
                        td { (show(&request.name, 200)) }
                        td.dim { (age(request.start)) }
                        td.n { (format_duration(now.saturating_sub(request.start))) }
                        td.mono {
                            @if stored.contains(&request.trace_id) {
                                a href=(format!("traces/{}", request.trace_id)) { (request.trace_id) }
                            } @else {
                                (request.trace_id)
                            }
                        }
                    }
                } }
            }
        }
    }
}
