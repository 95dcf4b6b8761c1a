//! A trace in the form of a map of text, for messages.

use std::{collections::BTreeMap, fmt};

use http::HeaderName;
use opentelemetry::Context;
use serde_core::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use crate::propagation::{Headers, HeadersMut, Propagator};

/// Maximum number of fields that are read from a message.
const MAX_FIELDS: usize = 32;
/// Maximum number of bytes of a field that is read from a message: that of W3C Baggage, and its name.
const MAX_BYTES: usize = 8_300;

/// The current trace and its baggage as fields of text, such as `traceparent`, for the headers of a message or a column of
/// a table of jobs. The installed propagator decides about the fields.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use tracing_core_ext::carry::Carrier;
///
/// #[derive(Serialize, Deserialize)]
/// struct Job {
///     order: u64,
///     #[serde(default)]
///     trace: Carrier,
/// }
///
/// let job = serde_json::to_string(&Job { order: 7, trace: Carrier::capture() })?;
///
/// // Later, in another process:
/// let job: Job = serde_json::from_str(&job)?;
/// job.trace.scope(|| { /* spans are children of the captured one */ });
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// [`Messaging`](super::Messaging) starts spans by the conventions for the sender and the receiver of a message.
///
/// A message may come from anyone. Fields that are not valid are ignored, so at worst a new trace starts. In formats that
/// describe their types, such as JSON, a value of another type than a map of strings is an empty carrier, and no error.
/// At most 32 fields of 8,300 bytes are read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Carrier(BTreeMap<String, String>);

impl Carrier {
    /// Captures the current context, with the propagator that is installed.
    pub fn capture() -> Self {
        Context::map_current(|context| Self::of(context, &Propagator::global()))
    }

    /// Captures `context` with `propagator`.
    pub fn of(context: &Context, propagator: &Propagator) -> Self {
        let mut carrier = Self::default();
        propagator.inject(context, &mut carrier);
        carrier
    }

    /// Returns a context whose span is the captured one, as a remote parent, with the captured baggage. Without a valid
    /// span it is empty.
    pub fn context(&self) -> Context {
        self.context_by(&Propagator::global())
    }

    /// Returns the context as [`context`](Self::context) does, with `propagator`.
    pub fn context_by(&self, propagator: &Propagator) -> Context {
        propagator.extract(self)
    }

    /// Runs `f` in the [context](Self::context): spans that start there are children of the captured one.
    pub fn scope<R>(&self, f: impl FnOnce() -> R) -> R {
        let _attached = self.context().attach();
        f()
    }

    /// Returns the value of a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns the fields, sorted by name, for headers of messages.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether there are no fields, because nothing was current, or nothing valid was read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn insert(&mut self, name: &str, value: String) {
        if self.0.len() < MAX_FIELDS && name.len() + value.len() <= MAX_BYTES {
            self.0.insert(name.to_ascii_lowercase(), value);
        }
    }
}

/// Reads fields, such as the headers of a message. Names are not case-sensitive.
impl<N: AsRef<str>, V: Into<String>> FromIterator<(N, V)> for Carrier {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        let mut carrier = Self::default();
        fields.into_iter().for_each(|(name, value)| carrier.insert(name.as_ref(), value.into()));
        carrier
    }
}

impl IntoIterator for Carrier {
    type Item = (String, String);
    type IntoIter = std::collections::btree_map::IntoIter<String, String>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Headers for Carrier {
    fn values<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
        self.get(name.as_str()).map(str::as_bytes).into_iter()
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl HeadersMut for Carrier {
    fn set(&mut self, name: &HeaderName, value: &[u8]) {
        self.0.insert(name.as_str().to_owned(), String::from_utf8_lossy(value).into_owned());
    }

    /// Joins the values with a comma (RFC 9110, section 5.3).
    fn append(&mut self, name: &HeaderName, value: &[u8]) {
        let value = String::from_utf8_lossy(value);
        let field = self.0.entry(name.as_str().to_owned()).or_default();
        if !field.is_empty() {
            field.push(',');
        }
        field.push_str(&value);
    }

    fn remove(&mut self, name: &HeaderName) {
        self.0.remove(name.as_str());
    }

    fn remove_prefix(&mut self, prefix: &str) {
        self.0.retain(|name, _| !name.starts_with(prefix));
    }
}

impl Serialize for Carrier {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(&self.0)
    }
}

impl<'de> Deserialize<'de> for Carrier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.is_human_readable() {
            true => deserializer.deserialize_any(Lenient),
            // The bytes of a binary format do not tell their types.
            false => {
                Ok(BTreeMap::<String, String>::deserialize(deserializer)?.into_iter().collect())
            }
        }
    }
}

/// Reads a carrier from a value of any type.
struct Lenient;

macro_rules! empty_for {
    ($($visit:ident: $type:ty),*) => {$(
        fn $visit<E>(self, _: $type) -> Result<Carrier, E> {
            Ok(Carrier::default())
        }
    )*};
}

impl<'de> Visitor<'de> for Lenient {
    type Value = Carrier;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Carrier, A::Error> {
        let mut carrier = Carrier::default();
        while let Some((name, value)) = map.next_entry::<Text, Text>()? {
            if let (Text(Some(name)), Text(Some(value))) = (name, value) {
                carrier.insert(&name, value);
            }
        }
        Ok(carrier)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Carrier, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Carrier::default())
    }

    fn visit_unit<E>(self) -> Result<Carrier, E> {
        Ok(Carrier::default())
    }

    fn visit_none<E>(self) -> Result<Carrier, E> {
        Ok(Carrier::default())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Carrier, D::Error> {
        deserializer.deserialize_any(self)
    }

    empty_for!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);
}

/// A string, or nothing for a value of another type.
struct Text(Option<String>);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

macro_rules! nothing_for {
    ($($visit:ident: $type:ty),*) => {$(
        fn $visit<E>(self, _: $type) -> Result<Text, E> {
            Ok(Text(None))
        }
    )*};
}

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E>(self, text: &str) -> Result<Text, E> {
        Ok(Text((text.len() <= MAX_BYTES).then(|| text.to_owned())))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Text, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Text(None))
    }

    fn visit_unit<E>(self) -> Result<Text, E> {
        Ok(Text(None))
    }

    nothing_for!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64);
}

#[cfg(test)]
mod tests {
    use opentelemetry::{
        KeyValue,
        baggage::BaggageExt,
        trace::{SpanContext, TraceContextExt, TraceFlags, TraceState},
    };
    use proptest::prelude::*;

    use super::*;
    use crate::propagation::W3cPropagator;

    fn propagator() -> Propagator {
        W3cPropagator::new().into()
    }

    fn context() -> Context {
        let state = TraceState::from_key_value([("shop", "1")]).unwrap();
        let span = SpanContext::new(7.into(), 8.into(), TraceFlags::SAMPLED, true, state);
        let context = Context::new().with_remote_span_context(span);
        context.with_baggage([KeyValue::new("tenant", "blue cup")])
    }

    #[test]
    fn a_carrier_survives_serialisation() {
        let carrier = Carrier::of(&context(), &propagator());
        let json = serde_json::to_string(&carrier).unwrap();
        let read: Carrier = serde_json::from_str(&json).unwrap();
        assert_eq!(read, carrier);
        let context = read.context_by(&propagator());
        let span = context.span().span_context().clone();
        assert_eq!((span.trace_id(), span.span_id()), (7.into(), 8.into()));
        assert!(span.is_remote() && span.is_sampled());
        assert_eq!(span.trace_state().get("shop"), Some("1"));
        assert_eq!(context.baggage().get("tenant").unwrap().as_str(), "blue cup");
    }

    #[test]
    fn headers_of_a_message_are_a_carrier() {
        let carrier = Carrier::of(&context(), &propagator());
        let headers: Vec<(String, String)> =
            carrier.iter().map(|(name, value)| (name.to_uppercase(), value.to_owned())).collect();
        assert_eq!(headers.into_iter().collect::<Carrier>(), carrier);
        assert!(Carrier::of(&Context::new(), &propagator()).is_empty());
    }

    #[test]
    fn a_value_of_another_type_is_an_empty_carrier() {
        for json in ["null", "7", "-7", "1.5", "true", "\"x\"", "[1,{\"a\":[]}]", "{}"] {
            assert_eq!(
                serde_json::from_str::<Carrier>(json).unwrap(),
                Carrier::default(),
                "{json}"
            );
        }
        let mixed = r#"{"a":1,"b":{"c":"d"},"e":["f"],"traceparent":"x","g":null,"h":false}"#;
        let carrier: Carrier = serde_json::from_str(mixed).unwrap();
        assert_eq!(carrier.iter().collect::<Vec<_>>(), [("traceparent", "x")]);
    }

    #[test]
    fn a_carrier_is_limited() {
        let many = (0..1_000).map(|n| (n.to_string(), "x"));
        assert_eq!(many.collect::<Carrier>().iter().count(), MAX_FIELDS);
        let long = [("traceparent", "x".repeat(100_000))];
        assert!(long.into_iter().collect::<Carrier>().is_empty());
        let json = format!("{{\"baggage\":\"{}\"}}", "x".repeat(100_000));
        assert!(serde_json::from_str::<Carrier>(&json).unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn a_tampered_carrier_never_fails(
            fields in prop::collection::vec((".{0,20}|traceparent|tracestate|baggage", ".{0,80}"), 0..8),
            cut in 0_usize..55,
        ) {
            let mut carrier: Carrier = fields.into_iter().collect();
            carrier.context_by(&propagator());
            let valid = Carrier::of(&context(), &propagator());
            let mut parent = valid.get("traceparent").unwrap().to_owned();
            parent.remove(cut);
            carrier.insert("traceparent", parent);
            let context = carrier.context_by(&propagator());
            prop_assert!(!context.span().span_context().is_valid());
        }
    }
}
