//! Writer of the protobuf wire format: exactly what OTLP requires of it.

/// Bytes that are reserved for the length of a message: a padded varint of up to 256 MiB.
const LENGTH: usize = 4;

/// Message that is being written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    start: usize,
}

/// Appends fields to a buffer.
#[derive(Debug, Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub(super) const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Removes everything behind the first `length` bytes.
    pub(super) fn truncate(&mut self, length: usize) {
        self.bytes.truncate(length);
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Appends fields that were encoded before.
    pub(super) fn raw(&mut self, fields: &[u8]) {
        self.bytes.extend_from_slice(fields);
    }

    /// Starts a message whose length is not known yet.
    #[inline]
    pub(super) fn begin(&mut self, field: u32) -> Message {
        self.tag(field, 2);
        self.bytes.extend_from_slice(&[0; LENGTH]);
        Message { start: self.bytes.len() }
    }

    /// Ends a message and writes its length in front of it.
    #[inline]
    pub(super) fn end(&mut self, message: Message) {
        let length = self.bytes.len() - message.start;
        let place = &mut self.bytes[message.start - LENGTH..message.start];
        for (index, byte) in place.iter_mut().enumerate() {
            *byte = (length >> (7 * index)) as u8 & 0x7f | 0x80;
        }
        place[LENGTH - 1] &= 0x7f;
    }

    #[inline]
    pub(super) fn tag(&mut self, field: u32, wire_type: u32) {
        self.varint(u64::from(field << 3 | wire_type));
    }

    #[inline]
    pub(super) fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    /// A field of the type `uint32` or `int64`, without its default value.
    #[inline]
    pub(super) fn integer(&mut self, field: u32, value: u64) {
        if value != 0 {
            self.tag(field, 0);
            self.varint(value);
        }
    }

    #[inline]
    pub(super) fn fixed64(&mut self, field: u32, value: u64) {
        self.tag(field, 1);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    #[inline]
    pub(super) fn fixed32(&mut self, field: u32, value: u32) {
        self.tag(field, 5);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// A field of the type `bytes` or `string`.
    #[inline]
    pub(super) fn bytes(&mut self, field: u32, value: &[u8]) {
        self.tag(field, 2);
        self.varint(value.len() as u64);
        self.bytes.extend_from_slice(value);
    }

    /// A `KeyValue` with a string, if all its lengths are below 128: then each length is one byte. Most attributes are so
    /// short. Returns false if this one is not.
    #[inline]
    pub(super) fn short_text_attribute(&mut self, field: u32, key: &str, text: &str) -> bool {
        let (value, total) = (text.len() + 2, key.len() + text.len() + 6);
        if total >= 0x80 || key.is_empty() || field >= 16 {
            return false;
        }
        self.bytes.reserve(total + 2);
        let key_tag = [(field << 3 | 2) as u8, total as u8, 1 << 3 | 2, key.len() as u8];
        self.bytes.extend_from_slice(&key_tag);
        self.bytes.extend_from_slice(key.as_bytes());
        let value_tag = [2 << 3 | 2, value as u8, 1 << 3 | 2, text.len() as u8];
        self.bytes.extend_from_slice(&value_tag);
        self.bytes.extend_from_slice(text.as_bytes());
        true
    }

    /// A field of the type `string`, without its default value.
    #[inline]
    pub(super) fn text(&mut self, field: u32, value: &str) {
        if !value.is_empty() {
            self.bytes(field, value.as_bytes());
        }
    }
}

/// Length of a varint in bytes.
#[inline]
pub(super) const fn varint_length(value: u64) -> usize {
    (70 - (value | 1).leading_zeros() as usize) / 7
}

/// Length of a field of the type `bytes` whose number is below 16.
#[inline]
pub(super) const fn bytes_length(value: usize) -> usize {
    1 + varint_length(value as u64) + value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_varint_has_its_length() {
        for value in [0, 1, 127, 128, 16_383, 16_384, u64::from(u32::MAX), u64::MAX] {
            let mut writer = Writer::default();
            writer.varint(value);
            assert_eq!(writer.len(), varint_length(value), "{value}");
            assert_eq!(
                prost::decode_length_delimiter(&*writer.bytes).ok(),
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
            let decoded = prost::decode_length_delimiter(&writer.bytes[1..]).unwrap();
            assert_eq!(decoded, length);
        }
    }
}
