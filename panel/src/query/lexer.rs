//! Words, operators and quoted text of a search.

use super::error::QueryError;

/// Comparison of a field with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
}

/// Word or quoted text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) quoted: bool,
    pub(super) position: usize,
}

/// Term before its meaning is determined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RawTerm {
    pub(super) excluded: bool,
    pub(super) left: Text,
    pub(super) right: Option<(Operator, Text)>,
}

/// Lexer of a search. Positions are numbers of characters.
pub(super) struct Lexer {
    characters: Vec<char>,
    position: usize,
}

impl Lexer {
    pub(super) fn new(text: &str) -> Self {
        Self { characters: text.chars().collect(), position: 0 }
    }

    /// Returns the next term, or `None` at the end.
    pub(super) fn next_term(&mut self) -> Result<Option<RawTerm>, QueryError> {
        self.skip_spaces();
        let Some(first) = self.peek(0) else { return Ok(None) };
        let excluded = first == '-' && self.peek(1).is_some_and(|next| !next.is_whitespace());
        self.position += usize::from(excluded);
        let left = self.text(true)?;
        let right = match self.operator() {
            Some(operator) => Some((operator, self.operand()?)),
            None => None,
        };
        Ok(Some(RawTerm { excluded, left, right }))
    }

    fn skip_spaces(&mut self) {
        while self.peek(0).is_some_and(char::is_whitespace) {
            self.position += 1;
        }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.characters.get(self.position + ahead).copied()
    }

    fn operand(&mut self) -> Result<Text, QueryError> {
        let value = self.text(false)?;
        if value.text.is_empty() && !value.quoted {
            return Err(QueryError::new(value.position, "expected a value"));
        }
        Ok(value)
    }

    fn text(&mut self, is_left: bool) -> Result<Text, QueryError> {
        match self.peek(0) {
            Some('"') => self.quoted(),
            _ => Ok(self.word(is_left)),
        }
    }

    /// Reads a word. To the left of an operator, it ends before the operator. A value ends at a
    /// space.
    fn word(&mut self, is_left: bool) -> Text {
        let start = self.position;
        let ends = |c: char| c.is_whitespace() || is_left && ":=!<>~".contains(c);
        while self.peek(0).is_some_and(|c| !ends(c)) {
            self.position += 1;
        }
        let text = self.characters[start..self.position].iter().collect();
        Text { text, quoted: false, position: start }
    }

    fn quoted(&mut self) -> Result<Text, QueryError> {
        let start = self.position;
        let mut text = String::new();
        self.position += 1;
        while let Some(c) = self.peek(0) {
            self.position += 1;
            match (c, self.peek(0)) {
                ('"', _) => return Ok(Text { text, quoted: true, position: start }),
                ('\\', Some(escaped @ ('"' | '\\'))) => {
                    text.push(escaped);
                    self.position += 1;
                }
                _ => text.push(c),
            }
        }
        Err(QueryError::new(start, "the quotation mark has no closing one"))
    }

    fn operator(&mut self) -> Option<Operator> {
        let (operator, length) = match (self.peek(0)?, self.peek(1)) {
            ('!', Some('=')) => (Operator::NotEqual, 2),
            ('>', Some('=')) => (Operator::GreaterOrEqual, 2),
            ('<', Some('=')) => (Operator::LessOrEqual, 2),
            (':' | '=', _) => (Operator::Equal, 1),
            ('>', _) => (Operator::Greater, 1),
            ('<', _) => (Operator::Less, 1),
            ('~', _) => (Operator::Contains, 1),
            _ => return None,
        };
        self.position += length;
        Some(operator)
    }
}
