//! Parser of the terms of a search.

use super::{
    condition::{Condition, Operand, Term},
    error::QueryError,
    field::Field,
    lexer::{Lexer, Operator, RawTerm, Text},
    pattern::Pattern,
};
use crate::model::{Severity, SpanId, TraceId, parse_duration};

/// Maximum length of a search, in bytes.
const LONGEST: usize = 4096;

pub(super) fn parse(text: &str) -> Result<Vec<Term>, QueryError> {
    if text.len() > LONGEST {
        return Err(QueryError::new(LONGEST, format!("a search has at most {LONGEST} bytes")));
    }
    let mut lexer = Lexer::new(text);
    let mut terms = Vec::new();
    while let Some(raw) = lexer.next_term()? {
        terms.push(term(raw)?);
    }
    Ok(terms)
}

fn term(raw: RawTerm) -> Result<Term, QueryError> {
    let Some((operator, value)) = raw.right else {
        let condition = Condition::Text(needle(&raw.left)?);
        return Ok(Term { excluded: raw.excluded, condition });
    };
    if raw.left.text.is_empty() {
        let message = "expected the name of a field before the operator";
        return Err(QueryError::new(raw.left.position, message));
    }
    let field = Field::from_name(&raw.left.text);
    let operand = operand(&field, operator, &value)?;
    let excluded = raw.excluded != (operator == Operator::NotEqual);
    Ok(Term { excluded, condition: Condition::Field(field, operand) })
}

fn needle(text: &Text) -> Result<String, QueryError> {
    if text.text.is_empty() && !text.quoted {
        return Err(QueryError::new(text.position, "expected text or a filter"));
    }
    Ok(text.text.to_ascii_lowercase())
}

fn operand(field: &Field, operator: Operator, value: &Text) -> Result<Operand, QueryError> {
    let invalid = |message: &str| QueryError::new(value.position, message);
    let text = &*value.text;
    let equality = matches!(operator, Operator::Equal | Operator::NotEqual);
    match (field, operator) {
        (Field::Duration, _) => {
            let duration = parse_duration(text);
            let expected = "expected a duration such as 200ms or 1.5s";
            let duration = duration.ok_or_else(|| invalid(expected))?;
            Ok(Operand::Number(comparison(operator), duration as f64))
        }
        (Field::Severity, Operator::Contains) => Err(invalid("a severity cannot contain text")),
        (Field::Severity, _) => {
            let expected = "expected trace, debug, info, warn, error or fatal";
            let severity = Severity::from_name(text).ok_or_else(|| invalid(expected))?;
            Ok(Operand::Severity(comparison(operator), severity))
        }
        (_, Operator::Contains) => Ok(Operand::Contains(text.to_ascii_lowercase())),
        (Field::Trace, _) if equality => {
            let expected = "expected 32 hexadecimal digits";
            text.parse::<TraceId>().map(Operand::Trace).map_err(|_| invalid(expected))
        }
        (Field::Span, _) if equality => {
            let expected = "expected 16 hexadecimal digits";
            text.parse::<SpanId>().map_err(|_| invalid(expected))?;
            Ok(Operand::Pattern(Pattern::literal(text.to_ascii_lowercase())))
        }
        (Field::Error, _) if !equality || !matches!(text, "true" | "false") => {
            Err(invalid("expected error:true or error:false"))
        }
        (Field::Kind, _) if !KINDS.contains(&text) => {
            Err(invalid("expected internal, server, client, producer or consumer"))
        }
        _ if equality => Ok(Operand::Pattern(pattern(value))),
        _ => {
            let number = text.parse().map_err(|_| invalid("expected a number"))?;
            Ok(Operand::Number(comparison(operator), number))
        }
    }
}

const KINDS: [&str; 5] = ["internal", "server", "client", "producer", "consumer"];

fn pattern(value: &Text) -> Pattern {
    match value.quoted {
        true => Pattern::literal(value.text.clone()),
        false => Pattern::with_wildcards(&value.text),
    }
}

/// Returns the operator without negation. The negation is part of the term.
fn comparison(operator: Operator) -> Operator {
    match operator {
        Operator::NotEqual => Operator::Equal,
        other => other,
    }
}
