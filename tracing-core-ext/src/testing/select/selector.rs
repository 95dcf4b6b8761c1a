//! The language of selectors.

use std::{iter::Peekable, str::Chars};

use opentelemetry::{
    Value,
    trace::{SpanKind, Status},
};
use opentelemetry_sdk::trace::SpanData;

/// `step > step step`: the steps from the top down.
#[derive(Debug)]
pub(super) struct Selector {
    pub(super) steps: Vec<(Combinator, Step)>,
}

/// Relation of a step to the one before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Combinator {
    Child,
    Descendant,
}

/// Conditions of one span: `kind "name" [key=value] :error`, without spaces.
#[derive(Debug, Default)]
pub(super) struct Step {
    kind: Option<SpanKind>,
    name: Option<String>,
    attributes: Vec<(String, Option<Value>)>,
    is_error: bool,
}

type Source<'a> = Peekable<Chars<'a>>;

impl Selector {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut source = text.trim().chars().peekable();
        let mut steps = vec![(Combinator::Descendant, Step::parse(&mut source)?)];
        while source.peek().is_some() {
            skip_spaces(&mut source);
            let combinator = match source.next_if_eq(&'>') {
                Some(_) => Combinator::Child,
                None => Combinator::Descendant,
            };
            skip_spaces(&mut source);
            steps.push((combinator, Step::parse(&mut source)?));
        }
        Ok(Self { steps })
    }
}

impl Step {
    fn parse(source: &mut Source<'_>) -> Result<Self, String> {
        let mut step = Self::default();
        let mut is_empty = true;
        while let Some(next) = source.peek().copied() {
            match next {
                '*' => drop(source.next()),
                '"' => step.name = Some(quoted(source)?),
                '[' => step.attributes.push(attribute(source)?),
                ':' => step.is_error = error(source)?,
                next if next.is_ascii_alphabetic() && is_empty => step.kind = Some(kind(source)?),
                next if next.is_whitespace() || next == '>' => break,
                other => return Err(format!("{other:?} is not expected here")),
            }
            is_empty = false;
        }
        match is_empty {
            true => Err("expected a kind, a name in quotes, [key=value], :error or *".to_owned()),
            false => Ok(step),
        }
    }

    pub(super) fn is_met_by(&self, span: &SpanData) -> bool {
        let has = |(key, expected): &(String, Option<Value>)| {
            let mut found = span.attributes.iter().filter(|it| it.key.as_str() == key);
            found.any(|it| expected.as_ref().is_none_or(|value| *value == it.value))
        };
        self.kind.as_ref().is_none_or(|kind| *kind == span.span_kind)
            && self.name.as_ref().is_none_or(|name| *name == span.name)
            && self.attributes.iter().all(has)
            && (!self.is_error || matches!(span.status, Status::Error { .. }))
    }
}

fn skip_spaces(source: &mut Source<'_>) {
    while source.next_if(|it| it.is_whitespace()).is_some() {}
}

fn taken(source: &mut Source<'_>, is_part: impl Fn(char) -> bool) -> String {
    std::iter::from_fn(|| source.next_if(|it| is_part(*it))).collect()
}

fn kind(source: &mut Source<'_>) -> Result<SpanKind, String> {
    match &*taken(source, |it| it.is_ascii_alphabetic()) {
        "server" => Ok(SpanKind::Server),
        "client" => Ok(SpanKind::Client),
        "producer" => Ok(SpanKind::Producer),
        "consumer" => Ok(SpanKind::Consumer),
        "internal" => Ok(SpanKind::Internal),
        other => Err(format!(
            "{other:?} is no kind: server, client, producer, consumer or internal; a name is in quotes"
        )),
    }
}

fn error(source: &mut Source<'_>) -> Result<bool, String> {
    source.next();
    match &*taken(source, |it| it.is_ascii_alphabetic()) {
        "error" => Ok(true),
        other => Err(format!("\":{other}\" is no condition: :error")),
    }
}

/// Reads a text in quotes. A backslash takes the next character as it is.
fn quoted(source: &mut Source<'_>) -> Result<String, String> {
    source.next();
    let mut text = String::new();
    loop {
        match source.next() {
            Some('"') => return Ok(text),
            Some('\\') => text.extend(source.next()),
            Some(other) => text.push(other),
            None => return Err("a text in quotes does not end".to_owned()),
        }
    }
}

fn attribute(source: &mut Source<'_>) -> Result<(String, Option<Value>), String> {
    source.next();
    let key = taken(source, |it| !"=]\"".contains(it));
    if key.is_empty() {
        return Err("expected a key after [".to_owned());
    }
    let value = match source.next_if_eq(&'=') {
        None => None,
        Some(_) if source.peek() == Some(&'"') => Some(Value::String(quoted(source)?.into())),
        Some(_) => Some(value(taken(source, |it| it != ']'))),
    };
    match source.next() {
        Some(']') => Ok((key, value)),
        _ => Err(format!("expected ] after [{key}")),
    }
}

/// Returns the value of an unquoted text: a boolean, a number or a string.
fn value(text: String) -> Value {
    if let Ok(value) = text.parse() {
        return Value::Bool(value);
    }
    if let Ok(number) = text.parse() {
        return Value::I64(number);
    }
    match text.parse() {
        Ok(number) => Value::F64(number),
        Err(_) => Value::String(text.into()),
    }
}
