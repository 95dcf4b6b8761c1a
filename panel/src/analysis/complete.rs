//! Completion of a search.

use std::{borrow::Cow, cmp::Reverse, collections::HashMap};

use crate::{
    model::{Attributes, LogRecord, Resource, Span},
    query::{FIELDS, Slot, quote, value_of_log, value_of_span},
    store::Snapshot,
};

/// Maximum number of candidates.
const MOST: usize = 12;
/// Maximum number of spans or records that are examined, the newest first.
const MOST_EXAMINED: usize = 5_000;
/// Maximum length of an offered value, in bytes.
const LONGEST: usize = 120;
/// Fields that exist only for spans.
const OF_SPANS: [&str; 3] = ["operation", "kind", "dur"];

/// Continuations of a search at a position. Positions are numbers of characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Position from which on the text is replaced.
    pub start: usize,
    /// Position up to which the text is replaced.
    pub end: usize,
    /// Candidates, best first.
    pub candidates: Vec<Candidate>,
}

/// Continuation of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Text that replaces the typed text.
    pub text: String,
    /// Description.
    pub meaning: String,
}

/// Kind of the searched entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Searched {
    /// Spans.
    Spans,
    /// Log records.
    Logs,
}

/// Returns the fields and attributes, or the values of the field before the cursor, that start with
/// the typed text. Values are those of the newest spans or records, most frequent first.
pub fn complete(
    snapshot: &Snapshot<'_>,
    searched: Searched,
    text: &str,
    cursor: usize,
) -> Completion {
    let slot = Slot::at(text, cursor);
    let candidates = match &slot.field {
        Some(field) => values(snapshot, searched, field, &slot.prefix),
        None => fields(snapshot, searched, &slot.prefix),
    };
    Completion { start: slot.start, end: slot.end, candidates }
}

fn fields(snapshot: &Snapshot<'_>, searched: Searched, prefix: &str) -> Vec<Candidate> {
    let is_known = |name: &str| match searched {
        Searched::Spans => name != "severity",
        Searched::Logs => !OF_SPANS.contains(&name),
    };
    let known = FIELDS.iter().filter(|(name, _)| is_known(name) && begins(name, prefix));
    let mut candidates: Vec<Candidate> = known
        .map(|(name, meaning)| Candidate {
            text: format!("{name}:"),
            meaning: (*meaning).to_owned(),
        })
        .collect();
    if !prefix.is_empty() {
        let keys = keys(snapshot, searched);
        let keys = frequent(keys.into_iter().filter(|(key, _)| begins(key, prefix)));
        candidates.extend(keys.into_iter().map(|(key, count)| Candidate {
            text: format!("{key}="),
            meaning: format!("attribute, {count} ×"),
        }));
    }
    candidates.truncate(MOST);
    candidates
}

fn keys(snapshot: &Snapshot<'_>, searched: Searched) -> HashMap<String, usize> {
    let mut keys = HashMap::new();
    let mut add = |attributes: &Attributes, resource: &Resource| {
        for (key, _) in attributes.iter().chain(resource.attributes.iter()) {
            if !is_name(key) {
                continue;
            }
            match keys.get_mut(&**key) {
                Some(count) => *count += 1,
                None => drop(keys.insert(key.to_string(), 1)),
            }
        }
    };
    match searched {
        Searched::Spans => newest_spans(snapshot).for_each(|it| add(&it.attributes, &it.resource)),
        Searched::Logs => newest_logs(snapshot).for_each(|it| add(&it.attributes, &it.resource)),
    }
    keys
}

/// Whether a search can name the attribute without quotation marks.
fn is_name(key: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "._/-".contains(c);
    key.len() <= LONGEST && key.starts_with(char::is_alphanumeric) && key.chars().all(is_plain)
}

fn values(
    snapshot: &Snapshot<'_>,
    searched: Searched,
    field: &str,
    prefix: &str,
) -> Vec<Candidate> {
    let fixed: &[&str] = match field {
        "error" => &["true", "false"],
        "kind" => &["server", "client", "internal", "producer", "consumer"],
        "severity" => &["error", "warn", "info", "debug", "trace", "fatal"],
        "dur" | "duration" => &["10ms", "100ms", "500ms", "1s", "10s"],
        _ => &[],
    };
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut add = |value: Option<Cow<'_, str>>| {
        let value = value.filter(|value| value.len() <= LONGEST && begins(value, prefix));
        if let Some(value) = value {
            *counts.entry(value.into_owned()).or_default() += 1;
        }
    };
    match searched {
        _ if !fixed.is_empty() => {}
        Searched::Spans => newest_spans(snapshot).for_each(|it| add(value_of_span(field, it))),
        Searched::Logs => newest_logs(snapshot).for_each(|it| add(value_of_log(field, it))),
    }
    let fixed = fixed.iter().filter(|value| begins(value, prefix));
    let fixed = fixed.map(|value| Candidate { text: (*value).to_owned(), meaning: String::new() });
    let counted = frequent(counts.into_iter())
        .into_iter()
        .map(|(value, count)| Candidate { text: quote(&value), meaning: format!("{count} ×") });
    fixed.chain(counted).take(MOST).collect()
}

fn newest_spans<'a>(snapshot: &'a Snapshot<'_>) -> impl Iterator<Item = &'a Span> {
    snapshot.traces().flat_map(|trace| trace.spans()).map(|span| &**span).take(MOST_EXAMINED)
}

fn newest_logs<'a>(snapshot: &'a Snapshot<'_>) -> impl Iterator<Item = &'a LogRecord> {
    snapshot.all_logs().map(|record| &**record).take(MOST_EXAMINED)
}

fn begins(text: &str, prefix: &str) -> bool {
    let mut text = text.chars().flat_map(char::to_lowercase);
    prefix.chars().flat_map(char::to_lowercase).all(|c| text.next() == Some(c))
}

fn frequent(counts: impl Iterator<Item = (String, usize)>) -> Vec<(String, usize)> {
    let mut counts: Vec<_> = counts.collect();
    counts.sort_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
    counts.truncate(MOST);
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::Value,
        store::Store,
        testing::{log_record, span},
    };

    fn store() -> Store {
        let store = Store::default();
        let spans = ["tea", "tea", "black coffee"].map(|item| {
            let mut span = span("gateway", "GET /a");
            span.attributes = [
                ("shop.item".into(), Value::Text(item.into())),
                ("not a name".into(), Value::Bool(true)),
            ]
            .into_iter()
            .collect();
            span
        });
        store.add_spans(spans.into());
        store.add_logs(vec![log_record("pricing", "hello")]);
        store
    }

    fn texts(searched: Searched, text: &str) -> Vec<String> {
        let store = store();
        let completion = complete(&store.read(), searched, text, text.chars().count());
        completion.candidates.into_iter().map(|candidate| candidate.text).collect()
    }

    #[test]
    fn fields_and_attributes_that_begin_so_are_offered() {
        assert_eq!(
            texts(Searched::Spans, "s"),
            ["service:", "status:", "span:", "service.name=", "shop.item="]
        );
        assert_eq!(texts(Searched::Spans, "error:true SHOP"), ["shop.item="]);
        assert_eq!(texts(Searched::Logs, "se"), ["service:", "severity:", "service.name="]);
        assert_eq!(texts(Searched::Spans, "not"), [""; 0], "a search cannot name it");
        assert_eq!(texts(Searched::Spans, "").len(), FIELDS.len() - 1);
    }

    #[test]
    fn values_are_offered_by_frequency_and_in_quotation_marks_where_they_need_them() {
        assert_eq!(texts(Searched::Spans, "shop.item="), ["tea", "\"black coffee\""]);
        assert_eq!(texts(Searched::Spans, "shop.item=\"bl"), ["\"black coffee\""]);
        assert_eq!(texts(Searched::Spans, "service:GATE"), ["gateway"]);
        assert_eq!(texts(Searched::Logs, "service:"), ["pricing"]);
        assert_eq!(texts(Searched::Spans, "kind:c"), ["client", "consumer"]);
        assert_eq!(texts(Searched::Spans, "\"text"), [""; 0]);
    }
}
