//! Expected values of attributes.

use std::fmt;

use opentelemetry::{Array, StringValue, Value};

/// Expected value of an attribute, made by [`any`], [`when`] or from a value.
pub struct Expected(Kind);

enum Kind {
    Any,
    Value(Value),
    When(Box<dyn Fn(&Value) -> bool + Send + Sync>),
}

/// Returns an expectation that every value meets. The attribute must exist.
pub const fn any() -> Expected {
    Expected(Kind::Any)
}

/// Returns an expectation that the values meet for which `condition` returns `true`.
///
/// ```
/// use tracing_core_ext::testing::{trace, when};
///
/// let tree = trace! {
///     server "GET /items/{id}" { url.full: when(|url| url.as_str().ends_with("/items/7")) }
/// };
/// # drop(tree);
/// ```
pub fn when(condition: impl Fn(&Value) -> bool + Send + Sync + 'static) -> Expected {
    Expected(Kind::When(Box::new(condition)))
}

impl Expected {
    pub(crate) fn is_met_by(&self, value: &Value) -> bool {
        match &self.0 {
            Kind::Any => true,
            Kind::Value(expected) => expected == value,
            Kind::When(condition) => condition(value),
        }
    }

    /// Describes the difference between this expectation and a value. Types are named if the texts are equal.
    pub(crate) fn difference(&self, found: &Value) -> String {
        let Kind::Value(expected) = &self.0 else {
            return format!("{self}, found {}", shown(found));
        };
        match expected.as_str() == found.as_str() {
            true => {
                format!("{} ({})", shown(expected), type_name(expected))
                    + &format!(", found {} ({})", shown(found), type_name(found))
            }
            false => format!("{}, found {}", shown(expected), shown(found)),
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Any => f.write_str("any value"),
            Kind::Value(value) => f.write_str(&shown(value)),
            Kind::When(_) => f.write_str("a value that meets the condition"),
        }
    }
}

impl fmt::Debug for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Returns a value as a literal.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{:?}", text.as_str()),
        Value::F64(number) => format!("{number:?}"),
        Value::Array(Array::String(texts)) => {
            format!("{:?}", texts.iter().map(StringValue::as_str).collect::<Vec<_>>())
        }
        other => other.to_string(),
    }
}

/// Returns the type of a value.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "boolean",
        Value::I64(_) => "integer",
        Value::F64(_) => "float",
        Value::String(_) => "string",
        Value::Array(Array::Bool(_)) => "booleans",
        Value::Array(Array::I64(_)) => "integers",
        Value::Array(Array::F64(_)) => "floats",
        Value::Array(Array::String(_)) => "strings",
        _ => "unknown type",
    }
}

/// A value that an attribute can have, or an expectation of one.
#[diagnostic::on_unimplemented(
    message = "no attribute has values of the type `{Self}`",
    note = "values are integers, floats, booleans, strings, and arrays of strings; `any()` and `when(…)` match several"
)]
pub trait IntoExpected {
    /// Converts the value.
    fn into_expected(self) -> Expected;
}

impl IntoExpected for Expected {
    fn into_expected(self) -> Expected {
        self
    }
}

macro_rules! values {
    ($($type:ty => $into:expr),+ $(,)?) => {
        $(impl IntoExpected for $type {
            fn into_expected(self) -> Expected {
                Expected(Kind::Value(($into)(self)))
            }
        })+
    };
}

values! {
    Value => |value| value,
    bool => Value::Bool,
    f64 => Value::F64,
    i32 => |number| Value::I64(i64::from(number)),
    i64 => Value::I64,
    u16 => |number| Value::I64(i64::from(number)),
    u32 => |number| Value::I64(i64::from(number)),
    &str => |text: &str| Value::String(text.to_owned().into()),
    String => |text: String| Value::String(text.into()),
    &String => |text: &String| Value::String(text.clone().into()),
    Vec<String> => |texts: Vec<String>| strings(texts),
}

impl<const N: usize> IntoExpected for [&str; N] {
    fn into_expected(self) -> Expected {
        Expected(Kind::Value(strings(self.map(str::to_owned))))
    }
}

fn strings(texts: impl IntoIterator<Item = String>) -> Value {
    Value::Array(Array::String(texts.into_iter().map(StringValue::from).collect()))
}
