//! Details of a span.

use std::sync::Arc;

use maud::{Markup, html};

use crate::{
    model::{Attributes, Event, LogRecord, Span, format_duration, format_time},
    pages::{
        logs::log_row,
        parts::text::{color, encode, show},
    },
    query::quote,
};

/// Maximum length of a value, in characters.
const LONGEST_VALUE: usize = 4_000;

/// Returns the details of a span with its log records.
pub(crate) fn span_details(span: &Span, logs: &[Arc<LogRecord>]) -> Markup {
    let records: Vec<_> = logs.iter().filter(|record| record.span_id == Some(span.id)).collect();
    html! {
        h2 { (show(&span.name, 200)) }
        p.dim {
            i class=(format!("chip c{}", color(span.service()))) {}
            (show(span.service(), 60)) " · " (span.kind) " · " (format_duration(span.duration()))
        }
        @if span.is_error() {
            p.failure {
                b { (show(&span.error_type().unwrap_or("error".into()), 200)) }
                " " (show(&span.error_message().unwrap_or_default(), LONGEST_VALUE))
            }
        }
        (attributes("Attributes", &span.attributes, span.dropped_attributes, true))
        @if !span.events.is_empty() {
            h3 { "Events" }
            @for event in span.events.iter().take(100) { (event_block(span, event)) }
        }
        @if span.dropped_events > 0 { p.dim { (span.dropped_events) " events were dropped" } }
        @if !span.links.is_empty() {
            h3 { "Links" }
            ul.links { @for link in span.links.iter().take(100) {
                li {
                    a.mono href=(format!("traces/{}?span={}", link.trace_id, link.span_id)) {
                        (link.trace_id)
                    }
                }
            } }
        }
        @if !records.is_empty() {
            h3 { "Logs" }
            table.logs { tbody { @for record in records.iter().take(100) { (log_row(record)) } } }
        }
        (attributes("Resource", &span.resource.attributes, 0, false))
        h3 { "Span" }
        dl.attributes {
            dt { "id" } dd.mono { (span.id) }
            dt { "parent" }
            dd.mono { @if let Some(parent) = span.parent { (parent) } @else { "–" } }
            dt { "start" } dd { (format_time(span.start)) }
            dt { "end" } dd { (format_time(span.end)) }
            dt { "scope" } dd { (show(&span.scope.name, 200)) " " (show(&span.scope.version, 50)) }
        }
    }
}

/// Returns the address of the search for an attribute, if a search can contain its name.
fn search_for(key: &str, value: &str) -> Option<String> {
    let is_plain = |c: char| c.is_alphanumeric() || "._/-".contains(c);
    let is_name = key.starts_with(char::is_alphanumeric) && key.chars().all(is_plain);
    let query = format!("{key}={}", quote(value));
    (is_name && value.len() <= 200).then(|| format!("traces?q={}", encode(&query)))
}

fn attributes(title: &str, attributes: &Attributes, dropped: u32, is_link: bool) -> Markup {
    html! {
        @if !attributes.is_empty() || dropped > 0 {
            h3 { (title) }
            dl.attributes {
                @for (key, value) in attributes.iter() {
                    @let text = value.text();
                    dt { (show(key, 200)) }
                    dd {
                        @if let Some(address) = search_for(key, &text).filter(|_| is_link) {
                            a href=(address) title="Find traces with this value" {
                                (show(&text, 200))
                            }
                        } @else { (show(&text, LONGEST_VALUE)) }
                    }
                }
            }
            @if dropped > 0 { p.dim { (dropped) " attributes were dropped" } }
        }
    }
}

fn event_block(span: &Span, event: &Event) -> Markup {
    html! {
        div.event {
            p {
                b { (show(&event.name, 200)) }
                " "
                span.dim { "after " (format_duration(event.time.saturating_sub(span.start))) }
            }
            dl.attributes { @for (key, value) in event.attributes.iter() {
                dt { (show(key, 200)) }
                dd {
                    @if value.text().contains('\n') {
                        pre { (show(&value.text(), LONGEST_VALUE)) }
                    } @else {
                        (show(&value.text(), LONGEST_VALUE))
                    }
                }
            } }
        }
    }
}
