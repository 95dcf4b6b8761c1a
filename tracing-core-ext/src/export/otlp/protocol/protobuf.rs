//! Writer of the protobuf wire format: exactly what OTLP requires of it.

/// Bytes that are reserved for the length of a message: a padded varint of up to 256 MiB.
const LENGTH: usize = 4;

/// Message that is being written.
#[derive(Clone, Copy, Debug)]
pub(in crate::export::otlp) struct Message {
    start: usize,
}

/// Appends fields to a buffer.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    /// The fields, and zeros that are free.
    bytes: Vec<u8>,
    length: usize,
}

/// Zeros that are added to a full buffer. They are filled in soon, so that they stay in the processor's cache.
const ZEROS: usize = 1024;

/// Free bytes of a buffer, filled from the front.
struct Free<'a>(&'a mut [u8]);

impl Free<'_> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        let (place, rest) = std::mem::take(&mut self.0).split_at_mut(bytes.len());
        place.copy_from_slice(bytes);
        self.0 = rest;
    }
}

impl Writer {
    pub(in crate::export::otlp) const fn len(&self) -> usize {
        self.length
    }

    /// Removes everything behind the first `length` bytes.
    pub(in crate::export::otlp) fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    pub(in crate::export::otlp) fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.truncate(self.length);
        self.bytes
    }

    /// The next bytes, which the caller writes.
    #[inline]
    fn free(&mut self, length: usize) -> &mut [u8] {
        let (start, end) = (self.length, self.length + length);
        if end > self.bytes.len() {
            self.grow(end);
        }
        self.length = end;
        &mut self.bytes[start..end]
    }

    #[cold]
    fn grow(&mut self, end: usize) {
        self.bytes.resize(end + ZEROS, 0);
    }

    /// Appends fields that were encoded before.
    #[inline]
    pub(in crate::export::otlp) fn raw(&mut self, fields: &[u8]) {
        self.free(fields.len()).copy_from_slice(fields);
    }

    /// Starts a message whose length is not known yet.
    #[inline]
    pub(in crate::export::otlp) fn begin(&mut self, field: u32) -> Message {
        self.tag(field, 2);
        self.free(LENGTH);
        Message { start: self.length }
    }

    /// Ends a message and writes its length in front of it.
    #[inline]
    pub(in crate::export::otlp) fn end(&mut self, message: Message) {
        let length = self.length - message.start;
        let place = &mut self.bytes[message.start - LENGTH..message.start];
        let byte = |index: usize| (length >> (7 * index)) as u8 & 0x7f;
        place.copy_from_slice(&[byte(0) | 0x80, byte(1) | 0x80, byte(2) | 0x80, byte(3)]);
    }

    #[inline]
    pub(in crate::export::otlp) fn tag(&mut self, field: u32, wire_type: u32) {
        self.varint(u64::from(field << 3 | wire_type));
    }

    #[inline]
    pub(in crate::export::otlp) fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.raw(&[value as u8 | 0x80]);
            value >>= 7;
        }
        self.raw(&[value as u8]);
    }

    /// A field of the type `uint32` or `int64`, without its default value.
    #[inline]
    pub(in crate::export::otlp) fn integer(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.tag(field, 0);
            self.varint(value);
        }
    }

    #[inline]
    pub(in crate::export::otlp) fn fixed64(&mut self, field: u32, value: u64) {
        self.tag(field, 1);
        self.raw(&value.to_le_bytes());
    }

    #[inline]
    pub(in crate::export::otlp) fn fixed32(&mut self, field: u32, value: u32) {
        self.tag(field, 5);
        self.raw(&value.to_le_bytes());
    }

    /// A field of the type `bytes` or `string`.
    #[inline(always)]
    pub(in crate::export::otlp) fn bytes(&mut self, field: u32, value: &[u8]) {
        self.tag(field, 2);
        self.varint(value.len() as u64);
        self.raw(value);
    }

    /// A `KeyValue` with a string, if all its lengths are below 128: then each length is one byte. Most attributes are so
    /// short. Returns false if this one is not.
    #[inline(always)]
    pub(in crate::export::otlp) fn short_text_attribute(
        &mut self,
        field: u32,
        key: &str,
        text: &[u8],
    ) -> bool {
        let (value, total) = (text.len() + 2, key.len() + text.len() + 6);
        if total >= 0x80 || key.is_empty() || field >= 16 {
            return false;
        }
        let mut free = Free(self.free(total + 2));
        free.put(&[(field << 3 | 2) as u8, total as u8, 1 << 3 | 2, key.len() as u8]);
        free.put(key.as_bytes());
        free.put(&[2 << 3 | 2, value as u8, 1 << 3 | 2, text.len() as u8]);
        free.put(text);
        true
    }

    /// A `KeyValue` with a number below 2<sup>21</sup>, if the key is short. Returns false if this one is not.
    #[inline(always)]
    pub(in crate::export::otlp) fn short_int_attribute(
        &mut self,
        field: u32,
        key: &str,
        number: i64,
    ) -> bool {
        let is_small = (0..1 << 21).contains(&number);
        if !is_small || key.len() >= 0x70 || key.is_empty() || field >= 16 {
            return false;
        }
        let total = key.len() + 8;
        let mut free = Free(self.free(total + 2));
        free.put(&[(field << 3 | 2) as u8, total as u8, 1 << 3 | 2, key.len() as u8]);
        free.put(key.as_bytes());
        free.put(&[2 << 3 | 2, 4, 3 << 3]);
        // A varint of three bytes, also if fewer are enough.
        free.put(&[number as u8 | 0x80, (number >> 7) as u8 | 0x80, (number >> 14) as u8]);
        true
    }

    /// A field of the type `string`, without its default value.
    #[inline]
    pub(in crate::export::otlp) fn text(&mut self, field: u32, value: &str) {
        if !value.is_empty() {
            self.bytes(field, value.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_varint_is_decoded_as_its_value() {
        for value in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX] {
            let mut writer = Writer::default();
            writer.varint(value);
            assert_eq!(
                prost::decode_length_delimiter(&writer.bytes[..writer.length]).ok(),
                usize::try_from(value).ok()
            );
        }
    }

    #[test]
    fn the_length_of_a_message_is_written_in_front_of_it() {
        for length in [0, 1, 127, 128, 300, 20_000, 3_000_000] {
            let mut writer = Writer::default();
            let message = writer.begin(1);
            writer.raw(&vec![7; length]);
            writer.end(message);
            let decoded = prost::decode_length_delimiter(&writer.bytes[1..writer.length]).unwrap();
            assert_eq!(decoded, length);
        }
    }
}
