//! Health of telemetry.

use maud::{Markup, html};

use super::{
    parts::layout::{Page, page},
    parts::text::number,
};
use crate::{
    otlp::Forwarding,
    store::{Counters, Signal, Usage},
};

/// Returns the page.
pub(crate) fn health_page(
    counters: &Counters,
    usage: &[Usage],
    memory: usize,
    forward: Option<&dyn Forwarding>,
) -> Page {
    page(
        "health",
        "Health",
        None,
        html! {
            div.title { h1 { "Health of telemetry" } }
            section {
                h2 { "Received since the start" }
                (received(counters))
                p.dim {
                    "Evicted entries are the oldest. "
                    "The slowest and the last failed requests of each operation stay longer."
                }
            }
            @if let Some(forward) = forward { (forwarded(forward)) }
            section {
                h2 { "Memory" }
                div.scroll {
                    table {
                        thead {
                            tr { th { "Part" } th.n { "Entries" } th.n { "Bytes" } th { "Limit" } }
                        }
                        tbody { @for part in usage { (row(part)) } }
                    }
                }
                p.dim { "Limit of all parts: " (number(memory as f64)) "B." }
            }
            section {
                h2 { "Import" }
                form.import method="post" action="import" enctype="multipart/form-data" {
                    p { "OTLP JSON: a request, or a file with one request per line." }
                    input type="file" name="file" accept=".json,.jsonl" required aria-label="File";
                    button { "Import" }
                }
            }
        },
    )
}

fn forwarded(forward: &dyn Forwarding) -> Markup {
    let lost = forward.lost();
    html! {
        section {
            h2 { "Forwarded" }
            div.scroll {
                table {
                    thead {
                        tr {
                            th { "Endpoint" }
                            th.n { "Delivered requests" }
                            th.n { "Lost requests" }
                            th.n { "Waiting" }
                        }
                    }
                    tr {
                        td { (forward.endpoint()) }
                        td.n { (forward.delivered()) }
                        td.n { span class=[(lost > 0).then_some("bad")] { (lost) } }
                        td.n { (number(forward.waiting_bytes() as f64)) "B" }
                    }
                }
            }
        }
    }
}

fn received(counters: &Counters) -> Markup {
    let bad = |count: u64| (count > 0).then_some("bad");
    html! {
        div.scroll {
            table {
                thead {
                    tr {
                        th { "Signal" }
                        th.n { "Stored" }
                        th.n { "Refused" }
                        th.n { "Evicted" }
                        th.n { "Truncated" }
                        th.n { "Unreadable requests" }
                    }
                }
                @for signal in Signal::ALL {
                    @let of = counters.of(signal);
                    tr {
                        td { (signal.as_str()) }
                        td.n { (of.received()) }
                        td.n { span class=[bad(of.rejected())] { (of.rejected()) } }
                        td.n { (of.evicted()) }
                        td.n { (of.truncated()) }
                        td.n { span class=[bad(of.malformed())] { (of.malformed()) } }
                    }
                }
            }
        }
    }
}

fn row(part: &Usage) -> Markup {
    let share = part.bytes as f64 / part.limit.max(1) as f64 * 100.0;
    html! {
        tr {
            td { (part.name) }
            td.n { (part.entries) }
            td.n { (number(part.bytes as f64)) "B" }
            td.duration {
                svg.track width="140" height="8" aria-hidden="true" {
                    rect.back width="100%" height="8" rx="2" {}
                    rect.bar width=(format!("{:.1}%", share.min(100.0))) height="8" rx="2" {}
                }
                span { (number(share)) " % of " (number(part.limit as f64)) "B" }
            }
        }
    }
}
