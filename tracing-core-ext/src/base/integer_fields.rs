//! Unsigned fields of `tracing` spans and events as integers.
//!
//! `tracing_opentelemetry` formats them as strings. A filter receives the fields before the layer does, on the same
//! thread. The filter notes the integers, and the tracer of the layer replaces the strings by them.

use std::{cell::RefCell, fmt, mem};

use opentelemetry::{KeyValue, Value};
use tracing::field::{Field, Visit};

thread_local! {
    static NOTED: RefCell<Vec<KeyValue>> = const { RefCell::new(Vec::new()) };
}

/// Key of an attribute that precedes noted integers in a list. No field has this name.
const MARKER: &str = "";

/// Notes the integers among the fields that `record` visits, and discards earlier ones. Returns whether there are any.
pub(crate) fn note(record: impl FnOnce(&mut dyn Visit)) -> bool {
    let mut noted = NOTED.try_with(RefCell::take).unwrap_or_default();
    noted.clear();
    record(&mut Integers(&mut noted));
    let has_integers = !noted.is_empty();
    let _ = NOTED.try_with(|all| all.replace(noted));
    has_integers
}

/// Returns attributes with which a span starts, so that [`replace_marked`] finds the integers later.
pub(crate) fn marked() -> Option<Vec<KeyValue>> {
    let noted = NOTED.try_with(|noted| mem::take(&mut *noted.borrow_mut())).ok()?;
    let count = i64::try_from(noted.len()).ok().filter(|count| *count > 0)?;
    let mut attributes = Vec::with_capacity(2 * noted.len() + 1);
    attributes.push(KeyValue::new(MARKER, count));
    attributes.extend(noted);
    Some(attributes)
}

/// Replaces strings by the integers that [`marked`] has returned.
pub(crate) fn replace_marked(attributes: &mut Vec<KeyValue>) {
    let count = match attributes.first() {
        Some(KeyValue { key, value: Value::I64(count), .. }) if key.as_str() == MARKER => *count,
        _ => return,
    };
    let end = usize::try_from(count).map_or(1, |count| (count + 1).min(attributes.len()));
    let integers: Vec<_> = attributes.drain(..end).skip(1).collect();
    attributes.iter_mut().for_each(|attribute| replace_from(&integers, attribute));
}

/// Replaces the strings of an event, or of fields that were recorded later, by noted integers.
pub(crate) fn replace_noted(attributes: &mut [KeyValue]) {
    let _ = NOTED.try_with(|noted| {
        let noted = noted.borrow();
        if !noted.is_empty() {
            attributes.iter_mut().for_each(|attribute| replace_from(&noted, attribute));
        }
    });
}

fn replace_from(integers: &[KeyValue], attribute: &mut KeyValue) {
    let Value::String(text) = &attribute.value else { return };
    let is_same = |integer: &&KeyValue| {
        integer.key == attribute.key && integer.value.as_str() == text.as_str()
    };
    if let Some(integer) = integers.iter().find(is_same) {
        attribute.value = integer.value.clone();
    }
}

/// Visitor of the integers that have no method in `tracing_opentelemetry`. Integers outside of `i64` stay strings.
struct Integers<'a>(&'a mut Vec<KeyValue>);

impl Integers<'_> {
    fn push(&mut self, field: &Field, value: impl TryInto<i64>) {
        if let Ok(value) = value.try_into() {
            self.0.push(KeyValue::new(field.name(), value));
        }
    }
}

impl Visit for Integers<'_> {
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, value);
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.push(field, value);
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.push(field, value);
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
