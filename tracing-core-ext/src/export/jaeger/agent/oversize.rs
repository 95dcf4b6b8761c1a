use std::borrow::Cow;

use opentelemetry::{KeyValue, trace::Status};
use opentelemetry_sdk::trace::SpanData;

use crate::base::text::truncate;

/// Largest numbers of characters in a string, tried one after the other.
const LIMITS: [usize; 4] = [8_192, 2_048, 512, LEAST];
const LEAST: usize = 128;

/// Tag with the number of characters to which the strings of a span were truncated.
const MARK: &str = "jaeger.cut_to_characters";

/// Returns versions of a span that is too large, each smaller than the one before: with truncated
/// strings, and at last without events.
pub(super) fn truncations(span: &SpanData) -> impl Iterator<Item = SpanData> {
    let mut span = span.clone();
    let limits = LIMITS.into_iter().map(Some).chain([None]);
    limits.map(move |limit| {
        match limit {
            Some(limit) => cut_strings(&mut span, limit),
            None => drop_events(&mut span),
        }
        let mut marked = span.clone();
        marked.attributes.push(KeyValue::new(MARK, limit.unwrap_or(LEAST) as i64));
        marked
    })
}

fn cut_strings(span: &mut SpanData, limit: usize) {
    cut_text(&mut span.name, limit);
    if let Status::Error { description } = &mut span.status {
        cut_text(description, limit);
    }
    truncate::attributes(&mut span.attributes, limit);
    span.links.links.iter_mut().for_each(|link| truncate::attributes(&mut link.attributes, limit));
    for event in &mut span.events.events {
        cut_text(&mut event.name, limit);
        truncate::attributes(&mut event.attributes, limit);
    }
}

fn cut_text(text: &mut Cow<'static, str>, limit: usize) {
    if let Some((end, _)) = text.char_indices().nth(limit) {
        *text = Cow::Owned(text[..end].to_owned());
    }
}

/// Removes the events, and adds them to the dropped count. Links keep their references.
fn drop_events(span: &mut SpanData) {
    let dropped = u32::try_from(span.events.events.len()).unwrap_or(u32::MAX);
    span.events.events.clear();
    span.events.dropped_count = span.events.dropped_count.saturating_add(dropped);
    span.links.links.iter_mut().for_each(|link| link.attributes.clear());
}
