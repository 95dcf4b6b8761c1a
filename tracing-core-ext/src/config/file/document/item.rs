//! A value of the file, with typed access. Keys of a mapping that nothing reads are reported.

use std::{cell::RefCell, ops::RangeInclusive, time::Duration};

use super::{
    source::{Place, Source},
    yaml::{Entry, Node, Scalar, Value},
};
use crate::{
    base::error::TelemetryError,
    config::env::{
        NO_LIMIT, time_limit,
        words::{Words, nearest},
    },
};

/// A value of the file and its path, such as `tracer_provider.processors[0]`.
#[derive(Clone)]
pub(in crate::config::file) struct Item<'a> {
    source: &'a Source,
    path: String,
    /// Place of the value, or of its key if it is empty.
    place: Place,
    /// Place of the key, or of the value if it has none.
    start: Place,
    node: &'a Node,
}

/// A mapping of the file.
pub(in crate::config::file) struct Section<'a> {
    item: Item<'a>,
    entries: &'a [Entry],
    known: RefCell<Vec<&'static str>>,
}

impl<'a> Item<'a> {
    pub(super) fn new(source: &'a Source, path: String, node: &'a Node) -> Self {
        Self { source, path, place: node.place, start: node.place, node }
    }

    /// Returns the name and the place of this setting, for errors that occur when it is used.
    ///
    /// Names of settings are static, because those of code and of variables are. A few of a file
    /// are needed later, once for each exporter, so they are leaked.
    pub(in crate::config::file) fn setting(&self) -> &'static str {
        Box::leak(self.source.place(self.start, &self.path).into_boxed_str())
    }

    /// Returns the name of the file.
    pub(in crate::config::file) fn file_name(&self) -> &'a str {
        &self.source.name
    }

    pub(in crate::config::file) fn is_null(&self) -> bool {
        match &self.node.value {
            Value::Scalar(scalar) => scalar.is_null(),
            Value::Sequence(_) | Value::Mapping(_) => false,
        }
    }

    /// Returns a mapping. Null is an empty one.
    pub(in crate::config::file) fn section(&self) -> Result<Section<'a>, TelemetryError> {
        let entries = match &self.node.value {
            Value::Mapping(entries) => entries.as_slice(),
            Value::Scalar(scalar) if scalar.is_null() => &[],
            _ => return Err(self.expected("a mapping")),
        };
        Ok(Section::new(self.clone(), entries))
    }

    /// Returns the items of a list. Null is an empty one.
    pub(in crate::config::file) fn items(&self) -> Result<Vec<Self>, TelemetryError> {
        let items = match &self.node.value {
            Value::Sequence(items) => items.as_slice(),
            Value::Scalar(scalar) if scalar.is_null() => &[],
            _ => return Err(self.expected("a list")),
        };
        let item = |(index, node)| Self::new(self.source, format!("{}[{index}]", self.path), node);
        Ok(items.iter().enumerate().map(item).collect())
    }

    /// Returns a list of strings.
    pub(in crate::config::file) fn texts(&self) -> Result<Vec<String>, TelemetryError> {
        self.items()?.iter().map(Self::text).collect()
    }

    /// Returns a string. A number or boolean without quotes counts as its text, because a variable
    /// with a number cannot be told from one.
    pub(in crate::config::file) fn text(&self) -> Result<String, TelemetryError> {
        let scalar = self.scalar().filter(|scalar| !scalar.is_null());
        scalar.map(|scalar| scalar.text.clone()).ok_or_else(|| self.expected("a string"))
    }

    pub(in crate::config::file) fn boolean(&self) -> Result<bool, TelemetryError> {
        let plain = self.plain().and_then(|text| match text {
            "true" | "True" | "TRUE" => Some(true),
            "false" | "False" | "FALSE" => Some(false),
            _ => None,
        });
        plain.ok_or_else(|| self.expected("true or false"))
    }

    /// Returns a whole number, also in hexadecimal or octal form.
    pub(in crate::config::file) fn signed(&self) -> Result<i64, TelemetryError> {
        self.plain().and_then(integer).ok_or_else(|| self.expected("a whole number"))
    }

    pub(in crate::config::file) fn integer<N: TryFrom<i64>>(
        &self,
        range: RangeInclusive<i64>,
    ) -> Result<N, TelemetryError> {
        let number = self.plain().and_then(integer).filter(|number| range.contains(number));
        let number = number.and_then(|number| N::try_from(number).ok());
        number.ok_or_else(|| {
            let (least, most) = range.into_inner();
            self.expected(format!("a whole number from {least} to {most}"))
        })
    }

    pub(in crate::config::file) fn number(&self) -> Result<f64, TelemetryError> {
        self.plain().and_then(float).ok_or_else(|| self.expected("a number"))
    }

    pub(in crate::config::file) fn ratio(&self) -> Result<f64, TelemetryError> {
        let ratio = self.plain().and_then(float).filter(|ratio| (0.0..=1.0).contains(ratio));
        ratio.ok_or_else(|| self.expected("a ratio from 0 to 1, such as 0.25"))
    }

    /// Returns a number of milliseconds.
    pub(in crate::config::file) fn milliseconds(&self) -> Result<Duration, TelemetryError> {
        let most = i64::try_from(NO_LIMIT.as_millis()).unwrap_or(i64::MAX);
        Ok(Duration::from_millis(self.integer(0..=most)?))
    }

    /// Returns a time limit in milliseconds. Zero means no limit.
    pub(in crate::config::file) fn timeout(&self) -> Result<Duration, TelemetryError> {
        self.milliseconds().map(time_limit)
    }

    /// Returns what a word means.
    pub(in crate::config::file) fn word<T: Copy>(
        &self,
        words: &Words<T>,
    ) -> Result<T, TelemetryError> {
        let text = self.text()?;
        words.find(&text).ok_or_else(|| self.expected(words.expected(&text)))
    }

    /// Returns the only key of a mapping, and its value.
    pub(in crate::config::file) fn variant(&self) -> Result<(&'a str, Self), TelemetryError> {
        let entries = match &self.node.value {
            Value::Mapping(entries) => entries.as_slice(),
            _ => &[],
        };
        let [entry] = entries else { return Err(self.expected("a mapping with one key")) };
        Ok((&entry.key, self.child(entry)))
    }

    /// Returns an error: the value is not what is expected. A value of a variable is not shown,
    /// because it may be a secret.
    pub(in crate::config::file) fn expected(&self, expected: impl AsRef<str>) -> TelemetryError {
        let value = match &self.node.value {
            Value::Scalar(scalar) if scalar.is_null() => String::new(),
            Value::Scalar(scalar) => format!("{:?}", scalar.written),
            Value::Sequence(_) => "a list".to_owned(),
            Value::Mapping(_) => "a mapping".to_owned(),
        };
        self.problem(self.place, &format!("={value}: expected {}", expected.as_ref()))
    }

    /// Whether the value consists of values of variables, in part or completely.
    pub(in crate::config::file) fn has_variables(&self) -> bool {
        self.scalar().is_some_and(|scalar| scalar.text != scalar.written)
    }

    /// Returns the same error for a value that is a secret.
    pub(in crate::config::file) fn secret_expected(&self, expected: &str) -> TelemetryError {
        self.problem(self.place, &format!("=\"***\": expected {expected}"))
    }

    /// Returns an error about this value.
    pub(in crate::config::file) fn refused(&self, problem: &str) -> TelemetryError {
        self.problem(self.start, &format!(": {problem}"))
    }

    /// Reports that this value has no effect.
    pub(in crate::config::file) fn unsupported(&self) -> Result<(), TelemetryError> {
        self.ignore(self.refused("this is not supported"))
    }

    pub(in crate::config::file) fn ignore(
        &self,
        error: TelemetryError,
    ) -> Result<(), TelemetryError> {
        self.source.findings.report(error, "it is ignored")
    }

    fn problem(&self, place: Place, problem: &str) -> TelemetryError {
        let path = if self.path.is_empty() { "the file" } else { &self.path };
        TelemetryError::file(self.source.place(place, path), problem.to_owned())
    }

    /// Returns the value of an entry.
    fn child(&self, entry: &'a Entry) -> Self {
        let Entry { key, place, value } = entry;
        let is_empty = matches!(&value.value, Value::Scalar(scalar) if scalar.written.is_empty());
        let place = if is_empty { *place } else { value.place };
        Self {
            source: self.source,
            path: self.path_of(key),
            place,
            start: entry.place,
            node: value,
        }
    }

    /// Returns an error about the key of an entry.
    fn key_error(&self, entry: &Entry, problem: &str) -> TelemetryError {
        self.source.error(entry.place, &self.path_of(&entry.key), problem)
    }

    fn path_of(&self, key: &str) -> String {
        const MAX_CHARS: usize = 64;
        let separator = if self.path.is_empty() { "" } else { "." };
        let key = key.chars().take(MAX_CHARS);
        let key = key.map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c });
        format!("{}{separator}{}", self.path, String::from_iter(key))
    }

    fn scalar(&self) -> Option<&'a Scalar> {
        match &self.node.value {
            Value::Scalar(scalar) => Some(scalar),
            Value::Sequence(_) | Value::Mapping(_) => None,
        }
    }

    /// Returns the text of a scalar whose type depends on its form.
    fn plain(&self) -> Option<&'a str> {
        self.scalar().filter(|scalar| !scalar.is_string).map(|scalar| scalar.text.trim())
    }
}

impl<'a> Section<'a> {
    fn new(item: Item<'a>, entries: &'a [Entry]) -> Self {
        Self { item, entries, known: RefCell::default() }
    }

    /// Returns the value of a key, unless it is null.
    pub(in crate::config::file) fn get(&self, key: &'static str) -> Option<Item<'a>> {
        self.known.borrow_mut().push(key);
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(self.item.child(entry)).filter(|item| !item.is_null())
    }

    /// Returns the value of a key that must be there.
    pub(in crate::config::file) fn require(
        &self,
        key: &'static str,
    ) -> Result<Item<'a>, TelemetryError> {
        let missing = || self.item.refused(&format!("the key {key} is missing"));
        self.get(key).ok_or_else(missing)
    }

    /// Reads the value of a key, or returns `default` if there is none.
    pub(in crate::config::file) fn read_or<T>(
        &self,
        key: &'static str,
        default: T,
        read: impl Fn(&Item<'a>) -> Result<T, TelemetryError>,
    ) -> Result<T, TelemetryError> {
        self.get(key).map_or(Ok(default), |item| read(&item))
    }

    /// Reads the value of a key that may be absent.
    pub(in crate::config::file) fn read<T>(
        &self,
        key: &'static str,
        read: impl Fn(&Item<'a>) -> Result<T, TelemetryError>,
    ) -> Result<Option<T>, TelemetryError> {
        self.get(key).map(|item| read(&item)).transpose()
    }

    /// Reports keys of the schema that have no effect.
    pub(in crate::config::file) fn unsupported<const N: usize>(
        &self,
        keys: [&'static str; N],
    ) -> Result<(), TelemetryError> {
        keys.iter().filter_map(|key| self.get(key)).try_for_each(|item| item.unsupported())
    }

    /// Reports the keys that were not read.
    pub(in crate::config::file) fn finish(self) -> Result<(), TelemetryError> {
        let known = self.known.into_inner();
        for entry in self.entries.iter().filter(|entry| !known.contains(&&*entry.key)) {
            let problem = match nearest(&entry.key, known.iter().copied()) {
                Some(nearest) => format!("unknown key: did you mean {nearest}?"),
                None => format!("unknown key: expected {}", list(&known)),
            };
            let error = self.item.key_error(entry, &problem);
            self.item.ignore(error)?;
        }
        Ok(())
    }
}

impl Scalar {
    /// YAML 1.2.2, section 10.3.2: the null of the core schema.
    fn is_null(&self) -> bool {
        !self.is_string && matches!(self.text.trim(), "" | "~" | "null" | "Null" | "NULL")
    }
}

/// YAML 1.2.2, section 10.3.2: `[-+]? [0-9]+`, `0o [0-7]+` and `0x [0-9a-fA-F]+`.
fn integer(text: &str) -> Option<i64> {
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    text.parse().ok()
}

fn radix(digits: &str, radix: u32) -> Option<i64> {
    let is_valid = digits.chars().all(|digit| digit.is_digit(radix));
    is_valid.then(|| i64::from_str_radix(digits, radix).ok()).flatten()
}

/// YAML 1.2.2, section 10.3.2, without infinity and without "not a number".
fn float(text: &str) -> Option<f64> {
    let is_valid =
        |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
    let number: f64 = text.bytes().all(is_valid).then(|| text.parse().ok()).flatten()?;
    number.is_finite().then_some(number)
}

fn list(keys: &[&str]) -> String {
    match keys.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => "none".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_core_schema() {
        for (text, expected) in [
            ("7", Some(7)),
            ("+7", Some(7)),
            ("-7", Some(-7)),
            ("0xdeadbeef", Some(0xdead_beef)),
            ("0o14", Some(12)),
            ("0x", None),
            ("0x+1", None),
            ("1_000", None),
            ("1.0", None),
            ("9223372036854775808", None),
            ("", None),
        ] {
            assert_eq!(integer(text), expected, "{text}");
        }
        for (text, expected) in [
            ("0.5", Some(0.5)),
            (".5", Some(0.5)),
            ("1e3", Some(1000.0)),
            ("1", Some(1.0)),
            ("inf", None),
            ("NaN", None),
            ("1e999", None),
            ("", None),
        ] {
            assert_eq!(float(text), expected, "{text}");
        }
    }
}
