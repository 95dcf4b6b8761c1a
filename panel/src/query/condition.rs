//! Matching of spans and records against one condition.

use super::{
    field::Field,
    lexer::Operator,
    pattern::{Pattern, contains},
    signature::Signature,
};
use crate::model::{Attributes, LogRecord, Severity, Span, TraceId};

/// Condition or its negation.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Term {
    pub(super) excluded: bool,
    pub(super) condition: Condition,
}

/// Condition of a search.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    /// Text in any value, in lower case.
    Text(String),
    /// Value of a field.
    Field(Field, Operand),
}

/// Right-hand side of a filter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operand {
    Pattern(Pattern),
    Contains(String),
    Number(Operator, f64),
    Severity(Operator, Severity),
    Trace(TraceId),
}

impl Condition {
    pub(super) fn matches_span(&self, span: &Span) -> bool {
        match self {
            Self::Text(needle) => span_contains(span, needle),
            Self::Field(Field::Duration, Operand::Number(operator, nanoseconds)) => {
                compare(*operator, span.duration() as f64, *nanoseconds)
            }
            Self::Field(field, Operand::Number(operator, number)) => {
                field.number_of_span(span).is_some_and(|value| compare(*operator, value, *number))
            }
            Self::Field(_, Operand::Trace(id)) => span.trace_id == *id,
            Self::Field(field, operand) => {
                field.of_span(span).is_some_and(|value| operand.matches(&value))
            }
        }
    }

    pub(super) fn matches_log(&self, record: &LogRecord) -> bool {
        match self {
            Self::Text(needle) => log_contains(record, needle),
            Self::Field(Field::Severity, Operand::Severity(operator, severity)) => {
                compare_severity(*operator, record.severity, *severity)
            }
            Self::Field(_, Operand::Trace(id)) => record.trace_id == Some(*id),
            Self::Field(field, operand) => {
                field.of_log(record).is_some_and(|value| operand.matches(&value))
            }
        }
    }

    /// Returns the value that each match has in this field, if there is only one.
    pub(super) fn literal_of(&self, field: &Field) -> Option<&str> {
        match self {
            Self::Field(known, Operand::Pattern(pattern)) if known == field => pattern.as_literal(),
            _ => None,
        }
    }

    /// Returns the minimum duration of a match, in nanoseconds.
    pub(super) fn shortest(&self) -> Option<u64> {
        match self {
            Self::Field(
                Field::Duration,
                Operand::Number(
                    Operator::Equal | Operator::Greater | Operator::GreaterOrEqual,
                    nanoseconds,
                ),
            ) => Some(*nanoseconds as u64),
            _ => None,
        }
    }

    /// Whether a trace with this signature may contain a matching span.
    pub(super) fn may_match(&self, signature: &Signature) -> bool {
        match self {
            Self::Text(needle) => signature.may_contain_text(needle),
            Self::Field(Field::Error, Operand::Pattern(pattern)) => {
                pattern.as_literal() != Some("true") || signature.has_error()
            }
            Self::Field(Field::Duration, Operand::Number(operator, number)) => {
                may_reach(*operator, signature.slowest() as f64, *number)
            }
            Self::Field(Field::Status, Operand::Number(operator, number)) => {
                may_reach(*operator, f64::from(signature.highest_status()), *number)
            }
            Self::Field(field, Operand::Pattern(pattern)) => {
                match (field.signature_name(), pattern.as_literal()) {
                    (Some(name), Some(value)) => signature.may_contain(name, value),
                    _ => true,
                }
            }
            Self::Field(..) => true,
        }
    }

    pub(super) fn trace(&self) -> Option<TraceId> {
        match self {
            Self::Field(_, Operand::Trace(id)) => Some(*id),
            _ => None,
        }
    }
}

impl Operand {
    fn matches(&self, value: &str) -> bool {
        match self {
            Self::Pattern(pattern) => pattern.matches(value),
            Self::Contains(needle) => contains(value, needle),
            Self::Number(operator, number) => {
                value.parse().is_ok_and(|value| compare(*operator, value, *number))
            }
            Self::Severity(..) | Self::Trace(_) => false,
        }
    }
}

/// Whether a value up to `highest` can satisfy the comparison.
fn may_reach(operator: Operator, highest: f64, number: f64) -> bool {
    match operator {
        Operator::Greater => highest > number,
        Operator::GreaterOrEqual | Operator::Equal => highest >= number,
        _ => true,
    }
}

fn compare(operator: Operator, value: f64, number: f64) -> bool {
    match operator {
        Operator::Less => value < number,
        Operator::LessOrEqual => value <= number,
        Operator::Greater => value > number,
        Operator::GreaterOrEqual => value >= number,
        Operator::Equal => value == number,
        Operator::NotEqual | Operator::Contains => false,
    }
}

/// Compares ranges of four severity numbers. A name is one range, so `warn` equals `WARN2`.
fn compare_severity(operator: Operator, value: Severity, severity: Severity) -> bool {
    let range = |severity: Severity| severity.number().div_ceil(4);
    compare(operator, f64::from(range(value)), f64::from(range(severity)))
}

fn span_contains(span: &Span, needle: &str) -> bool {
    let in_events = || {
        let mut events = span.events.iter();
        events.any(|event| contains(&event.name, needle) || any_value(&event.attributes, needle))
    };
    contains(&span.name, needle)
        || contains(span.service(), needle)
        || contains(&span.message, needle)
        || any_value(&span.attributes, needle)
        || in_events()
}

fn log_contains(record: &LogRecord, needle: &str) -> bool {
    contains(&record.body, needle)
        || contains(&record.event_name, needle)
        || contains(record.service(), needle)
        || any_value(&record.attributes, needle)
}

fn any_value(attributes: &Attributes, needle: &str) -> bool {
    attributes.iter().any(|(_, value)| contains(&value.text(), needle))
}
