//! Bloom filter of the values in a trace.

use std::hash::{Hash, Hasher};

use crate::model::{Attributes, Span};

const BITS: usize = 2048;
/// Maximum length of the listed part of a text, in bytes. Longer text sets all bits of the filter.
const LONGEST_TEXT: usize = 512;

/// Bloom filter of the values in the spans of a trace, with the largest numbers.
///
/// The filter contains every value that occurs, and may report one that does not occur. A search
/// skips traces whose signature lacks a value, so it reads few spans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    bits: [u64; BITS / 64],
    slowest: u64,
    highest_status: u16,
    has_error: bool,
}

impl Default for Signature {
    fn default() -> Self {
        Self { bits: [0; BITS / 64], slowest: 0, highest_status: 0, has_error: false }
    }
}

impl Signature {
    /// Adds the values of this span.
    pub fn add(&mut self, span: &Span) {
        self.slowest = self.slowest.max(span.duration());
        self.highest_status = self.highest_status.max(span.status_code().unwrap_or(0));
        self.has_error |= span.is_error();
        self.add_field("service", span.service());
        self.add_field("operation", &span.operation());
        self.add_field("name", &span.name);
        for text in [span.service(), &span.name, &*span.message] {
            self.add_text(text);
        }
        self.add_attributes(&span.attributes);
        for event in &span.events {
            self.add_text(&event.name);
            self.add_attributes(&event.attributes);
        }
        for (key, value) in span.resource.attributes.iter() {
            self.add_field(key, &value.text());
        }
    }

    /// Returns the longest duration of a span, in nanoseconds.
    pub(super) fn slowest(&self) -> u64 {
        self.slowest
    }

    /// Returns the highest status code of a span, or 0 if no span has one.
    pub(super) fn highest_status(&self) -> u16 {
        self.highest_status
    }

    /// Whether a span failed.
    pub(super) fn has_error(&self) -> bool {
        self.has_error
    }

    /// Whether the field may have this value.
    pub(super) fn may_contain(&self, field: &str, value: &str) -> bool {
        self.is_set(hash(&(field, value)))
    }

    /// Whether the text, in lower case, may be part of a value.
    pub(super) fn may_contain_text(&self, needle: &str) -> bool {
        trigrams(needle.as_bytes()).all(|trigram| self.is_set(hash(&trigram)))
    }

    fn add_attributes(&mut self, attributes: &Attributes) {
        for (key, value) in attributes.iter() {
            let text = value.text();
            self.add_field(key, &text);
            self.add_text(&text);
        }
    }

    fn add_field(&mut self, field: &str, value: &str) {
        self.set(hash(&(field, value)));
    }

    fn add_text(&mut self, text: &str) {
        if text.len() > LONGEST_TEXT {
            self.bits.fill(u64::MAX);
            return;
        }
        for trigram in trigrams(text.as_bytes()) {
            self.set(hash(&trigram));
        }
    }

    fn set(&mut self, hash: u64) {
        let bit = hash as usize % BITS;
        self.bits[bit / 64] |= 1 << (bit % 64);
    }

    fn is_set(&self, hash: u64) -> bool {
        let bit = hash as usize % BITS;
        self.bits[bit / 64] & 1 << (bit % 64) != 0
    }
}

fn trigrams(text: &[u8]) -> impl Iterator<Item = [u8; 3]> {
    text.windows(3).map(|window| {
        let mut trigram = [window[0], window[1], window[2]];
        trigram.make_ascii_lowercase();
        trigram
    })
}

/// FNV-1a with a final shift, which is fast for short keys. A collision only costs time.
struct Fnv(u64);

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        (self.0 ^ self.0 >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    value.hash(&mut hasher);
    hasher.finish()
}
