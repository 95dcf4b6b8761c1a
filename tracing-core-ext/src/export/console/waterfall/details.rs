use std::time::{Duration, SystemTime};

use opentelemetry::{
    KeyValue,
    trace::{Event, Link},
};

use super::{
    paint::Painter,
    span::WaterfallDetails,
    text::{duration, padded, safe, width},
};

const KEY_WIDTH: usize = 40;
const MIN_VALUE: usize = 16;
const DESCRIPTION: &str = "error";

/// Lines below a span: a key and its value each, or a heading.
pub(super) struct Details {
    entries: Vec<Entry>,
}

struct Entry {
    indent: usize,
    key: String,
    value: String,
    is_error: bool,
}

impl Details {
    /// Times are relative to `start`, the start of the span.
    pub(super) fn new(details: &WaterfallDetails, start: SystemTime) -> Self {
        let mut entries = Vec::new();
        if !details.description.is_empty() {
            entries.push(Entry::new(0, DESCRIPTION, &details.description, true));
        }
        entries.extend(attributes(0, &details.attributes));
        for event in &details.events {
            entries.push(heading(event, start));
            entries.extend(attributes(2, &event.attributes));
        }
        for link in &details.links {
            entries.extend(linked(link));
            entries.extend(attributes(2, &link.attributes));
        }
        Self { entries }
    }

    /// Returns the lines with `margin` in front, truncated to `columns` including the margin.
    pub(super) fn lines(&self, margin: &str, columns: usize, paint: Painter) -> Vec<String> {
        let key = self.entries.iter().map(|entry| entry.indent + width(&entry.key)).max();
        let key = key.unwrap_or(0);
        let room = columns.saturating_sub(width(margin) + key + 2).max(MIN_VALUE);
        let line = |entry: &Entry| {
            let key = padded(&format!("{}{}", " ".repeat(entry.indent), entry.key), key);
            let value = safe(&entry.value, room);
            let (key, value) = match entry.is_error {
                true => (paint.red(&key), paint.red(&value)),
                false => (paint.dim(&key), value),
            };
            format!("{margin}{key}  {value}")
        };
        self.entries.iter().map(line).collect()
    }
}

impl Entry {
    fn new(indent: usize, key: &str, value: &str, is_error: bool) -> Self {
        Self { indent, key: safe(key, KEY_WIDTH), value: value.to_owned(), is_error }
    }
}

fn attributes(indent: usize, attributes: &[KeyValue]) -> impl Iterator<Item = Entry> {
    let entry = move |attribute: &KeyValue| {
        Entry::new(indent, attribute.key.as_str(), &attribute.value.to_string(), false)
    };
    attributes.iter().map(entry)
}

fn heading(event: &Event, start: SystemTime) -> Entry {
    let since: Duration = event.timestamp.duration_since(start).unwrap_or_default();
    let is_error = event.name == "exception";
    Entry::new(0, &format!("• {}", event.name), &format!("at {}", duration(since)), is_error)
}

fn linked(link: &Link) -> [Entry; 3] {
    let context = &link.span_context;
    [
        Entry::new(0, "~ link", "", false),
        Entry::new(2, "trace_id", &context.trace_id().to_string(), false),
        Entry::new(2, "span_id", &context.span_id().to_string(), false),
    ]
}
