//! Search of traces.

use maud::{Markup, html};

use super::{
    parts::layout::{Choice, Page, age, empty, page, windows},
    parts::text::{color, encode, show},
};
use crate::{
    analysis::Facet,
    model::{Nanos, format_duration, format_time},
    query::{QueryError, quote},
    store::{Order, TraceHit},
};

const TRACE_HINT: &str = "service:gateway route:/checkout/{item} status>=500 dur>200ms \"text\"";
const LOG_HINT: &str = "service:gateway severity>=warn key=value \"text\"";

/// Content of the page with the results of a search.
#[derive(Debug)]
pub(crate) struct TraceList<'a> {
    pub(crate) query: &'a str,
    pub(crate) choice: &'a Choice,
    pub(crate) order: Order,
    pub(crate) error: Option<&'a QueryError>,
    pub(crate) hits: &'a [TraceHit],
    pub(crate) facets: &'a [Facet],
    /// Maximum number of traces in the table.
    pub(crate) most: usize,
    /// Whether the store is empty.
    pub(crate) nothing_stored: bool,
}

/// Returns the page.
pub(crate) fn traces_page(list: &TraceList<'_>) -> Page {
    page(
        "traces",
        "Traces",
        Some("traces.js"),
        html! {
            div.title { h1 { "Traces" } (windows("traces", list.query, list.choice)) }
            (search_form("traces", list.query, list.error, list.choice, Some(list.order)))
            @if list.hits.is_empty() && list.nothing_stored {
                (empty("No traces yet"))
            } @else if list.hits.is_empty() && list.error.is_none() {
                section.empty {
                    h2 { "No trace matches" } p { "All filters must hold for one span of a trace." }
                }
            } @else if !list.hits.is_empty() {
                (scatter(list))
                div.split { (facets(list)) (table(list)) }
            }
        },
    )
}

/// Returns the form of a search, with the position of an error in it.
pub(super) fn search_form(
    path: &str,
    query: &str,
    error: Option<&QueryError>,
    choice: &Choice,
    order: Option<Order>,
) -> Markup {
    html! {
        form.search action=(path) role="search" {
            label.hidden for="q" { "Search" }
            input #q name="q" type="search" value=(query) autocomplete="off" spellcheck="false"
                placeholder=(if order.is_some() { TRACE_HINT } else { LOG_HINT })
                aria-invalid=[error.map(|_| "true")] aria-describedby=[error.map(|_| "q-error")];
            @if choice.name.is_empty() {
                input type="hidden" name="from" value=(choice.window.from);
                input type="hidden" name="to" value=(choice.window.to);
            } @else { input type="hidden" name="window" value=(choice.name); }
            @if let Some(order) = order {
                label.hidden for="sort" { "Order" }
                select #sort name="sort" {
                    option value="newest" selected[order == Order::Newest] { "newest first" }
                    option value="slowest" selected[order == Order::Slowest] { "slowest first" }
                }
            }
            button { "Search" }
            @if let Some(error) = error {
                pre.error #q-error {
                    (query) "\n" (" ".repeat(error.position())) "^ " (error.message())
                }
            }
        }
    }
}

/// Returns a scatter chart of durations over time. Durations have a logarithmic scale.
fn scatter(list: &TraceList<'_>) -> Markup {
    let hits = list.hits;
    let first = hits.iter().map(|hit| hit.summary.start).min().unwrap_or(0);
    let last = hits.iter().map(|hit| hit.summary.start).max().unwrap_or(0);
    let log = |nanoseconds: u64| (nanoseconds.max(1_000) as f64).log10();
    let durations = || hits.iter().map(|hit| log(hit.summary.duration));
    let (lowest, highest) =
        (durations().fold(f64::MAX, f64::min).floor(), durations().fold(0.0, f64::max).ceil());
    let range = (highest - lowest).max(1.0);
    let x = |time: Nanos| 6.0 + (time - first) as f64 / (last - first).max(1) as f64 * 988.0;
    let y = |nanoseconds: u64| 122.0 - (log(nanoseconds) - lowest) / range * 114.0;
    let decades = (0..=range as u32).map(|step| 10f64.powf(lowest + f64::from(step)) as u64);
    html! {
        figure.scatter {
            div.axis { @for decade in decades.clone().rev() { span { (format_duration(decade)) } } }
            svg #scatter viewBox="0 0 1000 130" preserveAspectRatio="none" role="group"
                aria-label="Duration and time of traces; each point leads to its trace"
                data-first=(first) data-last=(last) data-lowest=(lowest) data-range=(range) {
                @for decade in decades {
                    line.grid x1="0" x2="1000" y1=(y(decade)) y2=(y(decade)) {}
                }
                @for hit in hits {
                    a href=(format!("traces/{}", hit.summary.id)) tabindex="-1" {
                        title {
                            (show(&hit.summary.root.operation(), 100)) ", "
                            (format_duration(hit.summary.duration))
                        }
                        rect class=[(hit.summary.errors > 0).then_some("failed")]
                            x=(format!("{:.1}", x(hit.summary.start) - 3.0))
                                y=(format!("{:.1}", y(hit.summary.duration) - 2.5))
                            width="6" height="5" rx="2" {}
                    }
                }
            }
            figcaption { span { (short(first)) } span.dim.hint {} span { (short(last)) } }
        }
    }
}

fn short(time: Nanos) -> String {
    format_time(time)[..19].replace('T', " ")
}

fn facets(list: &TraceList<'_>) -> Markup {
    html! {
        aside.facets aria-label="Frequent values" {
            @for facet in list.facets {
                section {
                    h2 { (facet.field) }
                    ul {
                        @for (value, count) in &facet.values {
                            @let term = format!("{}:{}", facet.field, quote(value));
                            li { a href=(refined(list, &term)) title=(show(value, 200)) {
                                @if facet.field == "service" {
                                    i class=(format!("chip c{}", color(value))) {}
                                }
                                span { (show(value, 60)) } small { (count) }
                            } }
                        }
                    }
                }
            }
            section {
                h2 { "only" }
                ul { li { a href=(refined(list, "error:true")) { span { "with errors" } } } }
            }
        }
    }
}

fn refined(list: &TraceList<'_>, term: &str) -> String {
    let query = match list.query.contains(term) {
        true => list.query.to_owned(),
        false => format!("{} {term}", list.query),
    };
    format!("traces?q={}&window={}", encode(query.trim()), list.choice.name)
}

fn table(list: &TraceList<'_>) -> Markup {
    let longest = list.hits.iter().map(|hit| hit.summary.duration).max().unwrap_or(1).max(1);
    let shown = list.hits.len().min(list.most);
    html! {
        div.scroll {
            table.traces {
                caption {
                    (shown) " of " (list.hits.len()) " traces"
                    @if list.hits.len() >= 1000 { " or more" }
                }
                thead {
                    tr {
                        th { "Started" }
                        th { "Trace" }
                        th { "Services" }
                        th.n { "Spans" }
                        th.n { "Status" }
                        th { "Duration" }
                    }
                }
                tbody #traces {
                    @for hit in list.hits.iter().take(list.most) { (row(hit, longest)) }
                }
            }
        }
    }
}

fn row(hit: &TraceHit, longest: u64) -> Markup {
    let summary = &hit.summary;
    let address = format!("traces/{}", summary.id);
    let width = summary.duration as f64 / longest as f64 * 100.0;
    html! {
        tr data-row {
            td.dim { (age(summary.start)) }
            td.name {
                a href=(address) { (show(&summary.root.operation(), 120)) }
                @if hit.span.id != summary.root.id {
                    " "
                    a.sub href=(format!("{address}?span={}", hit.span.id)) {
                        "› " (show(&hit.span.name, 60))
                        @if hit.matching > 1 { " × " (hit.matching) }
                    }
                }
            }
            td.chips { @for (service, count) in summary.services.iter().take(6) {
                span title=(format!("{count} spans")) {
                    i class=(format!("chip c{}", color(service))) {} (show(service, 24)) " "
                }
            } @if summary.services.len() > 6 { span.dim { "+" (summary.services.len() - 6) } } }
            td.n { (summary.spans) }
            td.n { (status(hit)) }
            td.duration {
                svg.track width="90" height="8" aria-hidden="true" {
                    rect.back width="100%" height="8" rx="2" {}
                    rect class=(if summary.errors > 0 { "failed" } else { "bar" })
                        width=(format!("{:.1}%", width.max(1.5))) height="8" rx="2" {}
                }
                span { (format_duration(summary.duration)) }
            }
        }
    }
}

fn status(hit: &TraceHit) -> Markup {
    let code = hit.summary.root.status_code();
    html! {
        @if let Some(code) = code {
            span class=(if code >= 500 { "bad" } else { "dim" }) { (code) } " "
        }
        @if hit.summary.errors > 0 {
            span.badge {
                (hit.summary.errors) @if hit.summary.errors == 1 { " error" } @else { " errors" }
            }
        }
    }
}
