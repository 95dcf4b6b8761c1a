use std::sync::LazyLock;

use opentelemetry::KeyValue;

use crate::trace::provider::id_generator;

/// One UUID for each process: "Implementations, such as SDKs, are recommended to generate a random
/// Version 1 or Version 4 RFC 4122 UUID".
static ID: LazyLock<String> =
    LazyLock::new(|| uuid_v4(u128::from_be_bytes(id_generator::trace_id().to_bytes())));

pub(super) fn id() -> KeyValue {
    KeyValue::new("service.instance.id", ID.as_str())
}

/// Formats a UUID with these bits, except those of the version and of the variant (RFC 9562,
/// section 5.4).
fn uuid_v4(random: u128) -> String {
    const VERSION: u128 = 0xf << 76;
    const VARIANT: u128 = 0b11 << 62;
    let bits = random & !VERSION & !VARIANT | 4 << 76 | 0b10 << 62;
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_the_version_and_the_variant_of_random_ones() {
        assert_eq!(uuid_v4(0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid_v4(u128::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        let digits = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;
        assert_eq!(uuid_v4(digits), "01234567-89ab-4def-8123-456789abcdef");
    }

    #[test]
    fn a_process_has_one_id() {
        assert_eq!(id(), id());
        assert_eq!(id().value.as_str().len(), 36);
    }
}
