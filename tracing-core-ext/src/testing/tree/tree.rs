//! Expected trees of spans.

use std::{
    fmt,
    ops::{RangeFrom, RangeInclusive},
};

use opentelemetry::trace::{SpanKind, Status};

use super::expected::{Expected, IntoExpected};

/// Expected span and the spans below it, written with the macro [`trace!`](crate::testing::trace).
#[derive(Debug)]
#[must_use = "a tree does nothing until it is compared"]
pub struct Tree {
    /// `None` for any name.
    pub(crate) name: Option<&'static str>,
    pub(crate) kind: SpanKind,
    pub(crate) has_kind: bool,
    pub(crate) status: Option<ExpectedStatus>,
    pub(crate) attributes: Vec<(&'static str, Expected)>,
    pub(crate) has_attributes: bool,
    pub(crate) other_attributes: bool,
    pub(crate) children: Vec<(Count, Tree)>,
    pub(crate) has_children: bool,
    pub(crate) other_children: bool,
    /// Whether the span must not occur. It is compared only by what is written about it.
    pub(crate) is_never: bool,
}

/// Expected status of a span.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ExpectedStatus {
    Unset,
    Ok,
    /// An error, with this description if there is one.
    Error(Option<&'static str>),
}

/// Expected number of equal spans: `3`, `(1..)` or `(1..=3)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Count {
    pub(crate) least: usize,
    pub(crate) most: usize,
}

/// The macro [`trace!`](crate::testing::trace) calls these functions.
#[doc(hidden)]
impl Tree {
    pub fn named(name: &'static str) -> Self {
        Self::new(Some(name))
    }

    pub fn unnamed() -> Self {
        Self::new(None)
    }

    fn new(name: Option<&'static str>) -> Self {
        Self {
            name,
            kind: SpanKind::Internal,
            has_kind: false,
            status: None,
            attributes: Vec::new(),
            has_attributes: false,
            other_attributes: false,
            children: Vec::new(),
            has_children: false,
            other_children: false,
            is_never: false,
        }
    }

    pub fn kind(self, kind: SpanKind) -> Self {
        Self { kind, has_kind: true, ..self }
    }

    pub fn ok(self) -> Self {
        Self { status: Some(ExpectedStatus::Ok), ..self }
    }

    pub fn error(self, description: Option<&'static str>) -> Self {
        Self { status: Some(ExpectedStatus::Error(description)), ..self }
    }

    pub fn with_attributes(self) -> Self {
        Self { has_attributes: true, ..self }
    }

    pub fn attribute(mut self, key: &'static str, value: impl IntoExpected) -> Self {
        self.attributes.push((key, value.into_expected()));
        self
    }

    pub fn other_attributes(self) -> Self {
        Self { other_attributes: true, ..self }
    }

    pub fn with_children(self) -> Self {
        Self { has_children: true, ..self }
    }

    pub fn child(mut self, count: impl Into<Count>, mut child: Self) -> Self {
        let count = count.into();
        if count.most == 0 {
            child.is_never = true;
            child.other_attributes |= !child.has_attributes;
            child.other_children |= !child.has_children;
        }
        self.children.push((count, child));
        self
    }

    pub fn other_children(self) -> Self {
        Self { other_children: true, ..self }
    }
}

impl ExpectedStatus {
    pub(crate) fn is_met_by(self, status: &Status) -> bool {
        match (self, status) {
            (Self::Unset, Status::Unset) | (Self::Ok, Status::Ok) => true,
            (Self::Error(None), Status::Error { .. }) => true,
            (Self::Error(Some(expected)), Status::Error { description }) => expected == description,
            _ => false,
        }
    }
}

impl fmt::Display for ExpectedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset => f.write_str("unset"),
            Self::Ok => f.write_str("ok"),
            Self::Error(None) => f.write_str("error"),
            Self::Error(Some(description)) => write!(f, "error {description:?}"),
        }
    }
}

impl From<usize> for Count {
    fn from(count: usize) -> Self {
        Self { least: count, most: count }
    }
}

impl From<RangeFrom<usize>> for Count {
    fn from(range: RangeFrom<usize>) -> Self {
        Self { least: range.start, most: usize::MAX }
    }
}

impl From<RangeInclusive<usize>> for Count {
    fn from(range: RangeInclusive<usize>) -> Self {
        Self { least: *range.start(), most: *range.end() }
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self { least, most } if least == most => write!(f, "{least}"),
            Self { least, most: usize::MAX } => write!(f, "at least {least}"),
            Self { least, most } => write!(f, "{least} to {most}"),
        }
    }
}

/// One line: kind and name.
impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.has_kind {
            write!(f, "{} ", kind_name(&self.kind))?;
        }
        match self.name {
            Some(name) => write!(f, "{name:?}"),
            None => f.write_str("_"),
        }
    }
}

/// Returns the name of a kind in the macro.
pub(crate) fn kind_name(kind: &SpanKind) -> &'static str {
    match kind {
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
        SpanKind::Internal => "internal",
    }
}
