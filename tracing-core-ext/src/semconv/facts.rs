//! Attributes of a span in the form in which the request's thread records them.
//!
//! Text is copied into one buffer that is reused, addresses are kept as numbers, and shared values are counted
//! references. The export thread turns the facts into bytes or into [`KeyValue`]s.

use std::{
    borrow::Cow,
    fmt::{self, Write},
    net::{IpAddr, Ipv4Addr},
    str,
};

use opentelemetry::{KeyValue, StringValue, Value};

use crate::base::text::truncate;

/// Attributes in the order in which they were recorded, within the limits of the provider.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    list: Vec<Fact>,
    text: String,
    limits: FactLimits,
    dropped: u32,
    /// Bytes of values that are kept outside of `list`.
    value_bytes: usize,
}

/// Limits of the attributes of one span.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FactLimits {
    /// Number of attributes. Later ones are dropped and counted.
    pub(crate) count: u32,
    /// Number of characters of a string. Longer strings are truncated.
    pub(crate) value_length: Option<usize>,
}

/// One attribute.
#[derive(Clone, Debug)]
enum Fact {
    Literal(&'static str, &'static str),
    /// Range of the text buffer.
    Text(&'static str, u32, u32),
    Shared(&'static str, StringValue),
    Int(&'static str, i64),
    Address(&'static str, IpAddr),
    Attribute(KeyValue),
}

/// Value of one attribute, borrowed from the facts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum FactValue<'a> {
    Str(&'a str),
    Address(&'a AddressText),
    Int(i64),
    /// Value of another type.
    Value(&'a Value),
}

impl<'a> From<&'a Value> for FactValue<'a> {
    #[inline]
    fn from(value: &'a Value) -> Self {
        match value {
            Value::String(text) => Self::Str(text.as_str()),
            Value::I64(number) => Self::Int(*number),
            value => Self::Value(value),
        }
    }
}

/// Capacities that a pooled list of facts keeps at most.
const KEPT_FACTS: usize = 64;
const KEPT_TEXT: usize = 4096;

impl FactLimits {
    pub(crate) const UNLIMITED: Self = Self { count: u32::MAX, value_length: None };
}

impl Default for Facts {
    fn default() -> Self {
        Self::with_limits(FactLimits::UNLIMITED)
    }
}

impl Facts {
    /// Creates an empty list with these limits.
    pub(crate) const fn with_limits(limits: FactLimits) -> Self {
        Self { list: Vec::new(), text: String::new(), limits, dropped: 0, value_bytes: 0 }
    }

    /// Sets the limits of later attributes.
    #[inline]
    pub(crate) fn set_limits(&mut self, limits: FactLimits) {
        self.limits = limits;
    }

    /// Lowers the limit of the length of values, as an option of a middleware does. Returns the limits before.
    pub(crate) fn limit_value_length(&mut self, limit: usize) -> FactLimits {
        let before = self.limits;
        self.limits.value_length = Some(before.value_length.map_or(limit, |it| it.min(limit)));
        before
    }

    /// Returns the limit of the length of values, in characters.
    pub(crate) const fn value_length_limit(&self) -> Option<usize> {
        self.limits.value_length
    }

    /// Records a constant.
    #[inline]
    pub(crate) fn literal(&mut self, key: &'static str, value: &'static str) {
        if self.limits.value_length.is_some() {
            return self.text(key, value);
        }
        self.push(Fact::Literal(key, value));
    }

    /// Records a copy of `value`.
    #[inline]
    pub(crate) fn text(&mut self, key: &'static str, value: &str) {
        let value = match self.limits.value_length {
            Some(limit) => truncate::text(value, limit),
            None => value,
        };
        if self.is_full() {
            self.dropped += 1;
            return;
        }
        let (Ok(start), Ok(length)) = (u32::try_from(self.text.len()), u32::try_from(value.len()))
        else {
            return self.push(Fact::Shared(key, value.to_owned().into()));
        };
        self.text.push_str(value);
        self.push(Fact::Text(key, start, length));
    }

    /// Records a constant, or a copy of text that was made for the span.
    #[inline]
    pub(crate) fn cow(&mut self, key: &'static str, value: Cow<'static, str>) {
        match value {
            Cow::Borrowed(value) => self.literal(key, value),
            Cow::Owned(value) => self.text(key, &value),
        }
    }

    /// Records a value that is shared with others.
    #[inline]
    pub(crate) fn shared(&mut self, key: &'static str, mut value: StringValue) {
        if let Some(limit) = self.limits.value_length {
            truncate::string_value(&mut value, limit);
        }
        self.value_bytes += value.as_str().len();
        self.push(Fact::Shared(key, value));
    }

    /// Records a number.
    #[inline]
    pub(crate) fn int(&mut self, key: &'static str, value: i64) {
        self.push(Fact::Int(key, value));
    }

    /// Records an IP address. An IPv4 address that is mapped into IPv6 is recorded as IPv4.
    #[inline]
    pub(crate) fn address(&mut self, key: &'static str, address: IpAddr) {
        if self.limits.value_length.is_some() {
            return self.text(key, AddressText::new(address).as_str());
        }
        self.push(Fact::Address(key, address));
    }

    /// Records an attribute of any type.
    #[inline]
    pub(crate) fn attribute(&mut self, mut attribute: KeyValue) {
        if let Some(limit) = self.limits.value_length {
            truncate::value(&mut attribute.value, limit);
        }
        self.value_bytes += value_bytes(&attribute.value);
        self.push(Fact::Attribute(attribute));
    }

    #[inline]
    fn push(&mut self, fact: Fact) {
        if self.is_full() {
            self.dropped += 1;
        } else {
            self.list.push(fact);
        }
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.list.len() >= self.limits.count as usize
    }

    /// Returns the number of attributes.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns the number of attributes that were dropped because of the limit.
    pub(crate) const fn dropped(&self) -> u32 {
        self.dropped
    }

    /// Returns the approximate memory of the attributes, in bytes.
    #[inline]
    pub(crate) fn size_bytes(&self) -> usize {
        self.list.len() * size_of::<Fact>() + self.text.len() + self.value_bytes
    }

    /// Calls `visit` for each attribute in order.
    #[inline]
    pub(crate) fn for_each(&self, mut visit: impl FnMut(&str, FactValue<'_>)) {
        // The client is the peer in most requests, so its text is reused.
        let mut address = AddressText::EMPTY;
        for fact in &self.list {
            let (key, value) = match fact {
                Fact::Literal(key, value) => (*key, FactValue::Str(value)),
                Fact::Text(key, start, length) => {
                    (*key, FactValue::Str(self.range(*start, *length)))
                }
                Fact::Shared(key, value) => (*key, FactValue::Str(value.as_str())),
                Fact::Int(key, value) => (*key, FactValue::Int(*value)),
                Fact::Address(key, value) => {
                    address.set(*value);
                    (*key, FactValue::Address(&address))
                }
                Fact::Attribute(KeyValue { key, value, .. }) => (key.as_str(), value.into()),
            };
            visit(key, value);
        }
    }

    fn range(&self, start: u32, length: u32) -> &str {
        &self.text[start as usize..start as usize + length as usize]
    }

    /// Takes the attributes out.
    pub(crate) fn take_attributes(&mut self) -> Vec<KeyValue> {
        let mut list = std::mem::take(&mut self.list);
        let attributes = list.drain(..).map(|fact| self.to_attribute(fact)).collect();
        self.list = list;
        attributes
    }

    fn to_attribute(&self, fact: Fact) -> KeyValue {
        match fact {
            Fact::Literal(key, value) => KeyValue::new(key, value),
            Fact::Text(key, start, length) => {
                KeyValue::new(key, self.range(start, length).to_owned())
            }
            Fact::Shared(key, value) => KeyValue::new(key, value),
            Fact::Int(key, value) => KeyValue::new(key, value),
            Fact::Address(key, address) => {
                KeyValue::new(key, AddressText::new(address).as_str().to_owned())
            }
            Fact::Attribute(attribute) => attribute,
        }
    }

    /// Removes all attributes and keeps memory for the next span.
    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.list.shrink_to(KEPT_FACTS);
        self.text.clear();
        self.text.shrink_to(KEPT_TEXT);
        self.dropped = 0;
        self.value_bytes = 0;
    }
}

/// Returns the bytes of a value outside of its own size.
pub(crate) fn value_bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => text.as_str().len(),
        Value::Array(array) => array.to_string().len(),
        _ => 0,
    }
}

/// Text of an IP address, on the stack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct AddressText {
    address: Option<IpAddr>,
    bytes: [u8; Self::MAX],
    length: usize,
}

impl AddressText {
    /// Maximum length: an IPv6 address that ends in an IPv4 address.
    const MAX: usize = 45;
    const EMPTY: Self = Self { address: None, bytes: [0; Self::MAX], length: 0 };

    fn new(address: IpAddr) -> Self {
        let mut text = Self::EMPTY;
        text.set(address);
        text
    }

    /// Replaces the text by that of `address`, if it differs.
    #[inline]
    fn set(&mut self, address: IpAddr) {
        if self.address != Some(address) {
            self.write(address);
        }
    }

    fn write(&mut self, address: IpAddr) {
        (self.address, self.length) = (Some(address), 0);
        match address.to_canonical() {
            IpAddr::V4(address) => self.write_ipv4(address),
            // An address is never longer than `MAX`.
            IpAddr::V6(address) => _ = write!(self, "{address}"),
        }
    }

    /// Writes an IPv4 address. Most addresses are IPv4, for which `Display` takes five times as long.
    fn write_ipv4(&mut self, address: Ipv4Addr) {
        for (index, octet) in address.octets().into_iter().enumerate() {
            if index > 0 {
                self.push(b'.');
            }
            if octet >= 100 {
                self.push(b'0' + octet / 100);
            }
            if octet >= 10 {
                self.push(b'0' + octet / 10 % 10);
            }
            self.push(b'0' + octet % 10);
        }
    }

    fn push(&mut self, byte: u8) {
        self.bytes[self.length] = byte;
        self.length += 1;
    }

    /// Returns the text, in ASCII.
    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Returns the text.
    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl Write for AddressText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        let free = self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?;
        free.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIX: [u16; 8] = [0xffff; 8];

    fn recorded(limits: FactLimits) -> Facts {
        let mut facts = Facts::with_limits(limits);
        facts.literal("literal", "constant");
        facts.text("text", "añb");
        facts.shared("shared", StringValue::from(std::sync::Arc::<str>::from("shared")));
        facts.int("int", 7);
        facts.address("address", IpAddr::from([127, 0, 0, 1]));
        facts.attribute(KeyValue::new("flag", true));
        facts
    }

    fn expected() -> Vec<KeyValue> {
        vec![
            KeyValue::new("literal", "constant"),
            KeyValue::new("text", "añb"),
            KeyValue::new("shared", "shared"),
            KeyValue::new("int", 7),
            KeyValue::new("address", "127.0.0.1"),
            KeyValue::new("flag", true),
        ]
    }

    #[test]
    fn facts_become_attributes_in_order_with_their_types() {
        let mut facts = recorded(FactLimits::UNLIMITED);
        assert_eq!(facts.clone().take_attributes(), expected());
        let mut visited = Vec::new();
        facts.for_each(|key, value| {
            visited.push(match value {
                FactValue::Str(text) => KeyValue::new(key.to_owned(), text.to_owned()),
                FactValue::Address(text) => KeyValue::new(key.to_owned(), text.as_str().to_owned()),
                FactValue::Int(number) => KeyValue::new(key.to_owned(), number),
                FactValue::Value(value) => KeyValue::new(key.to_owned(), value.clone()),
            });
        });
        assert_eq!(visited, expected());
        assert_eq!(facts.take_attributes(), expected());
        assert_eq!(facts.len(), 0);
    }

    #[test]
    fn each_address_is_visited_as_its_own_text() {
        let mut facts = Facts::with_limits(FactLimits::UNLIMITED);
        let addresses = [[10, 0, 0, 1], [10, 0, 0, 1], [192, 168, 0, 200]].map(IpAddr::from);
        addresses.into_iter().for_each(|address| facts.address("address", address));
        let mut visited = Vec::new();
        facts.for_each(|_, value| {
            let FactValue::Address(text) = value else { panic!("an address") };
            visited.push(text.as_str().to_owned());
        });
        assert_eq!(visited, addresses.map(|address| address.to_string()));
    }

    #[test]
    fn attributes_past_the_limit_are_dropped_and_counted() {
        let mut facts = recorded(FactLimits { count: 2, value_length: None });
        assert_eq!(facts.dropped(), 4);
        assert_eq!(facts.take_attributes(), expected()[..2]);
    }

    #[test]
    fn every_string_is_truncated_to_the_limit() {
        let facts = recorded(FactLimits { count: 128, value_length: Some(2) });
        let values: Vec<_> =
            facts.clone().take_attributes().iter().map(|it| it.value.to_string()).collect();
        assert_eq!(values, ["co", "añ", "sh", "7", "12", "true"]);
    }

    #[test]
    fn a_cleared_list_is_empty_and_keeps_little_memory() {
        let mut facts = recorded(FactLimits { count: 2, value_length: None });
        facts.set_limits(FactLimits::UNLIMITED);
        facts.text("long", &"x".repeat(100_000));
        facts.clear();
        assert_eq!((facts.len(), facts.dropped(), facts.size_bytes()), (0, 0, 0));
        assert!(facts.text.capacity() <= KEPT_TEXT);
    }

    #[test]
    fn every_octet_of_an_ipv4_address_is_written_as_display_writes_it() {
        for octet in 0..=u8::MAX {
            let address = IpAddr::from([octet, 255 - octet, 0, octet]);
            assert_eq!(AddressText::new(address).as_str(), address.to_string());
        }
    }

    #[test]
    fn the_longest_address_fits_its_buffer() {
        for address in [IpAddr::from(SIX), "::ffff:1.2.3.4".parse().unwrap()] {
            let text = AddressText::new(address);
            assert_eq!(text.as_str(), address.to_canonical().to_string());
        }
    }
}
