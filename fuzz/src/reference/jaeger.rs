//! Jaeger's propagation format: <https://www.jaegertracing.io/docs/1.76/sdks/>.

use crate::grammar::{all, any, hexdig, repeat, text, without_ows};

/// ```abnf
/// uber-trace-id  = trace-id ":" span-id ":" parent-span-id ":" flags
/// trace-id       = 1*32HEXDIG
/// span-id        = 1*16HEXDIG
/// parent-span-id = *16HEXDIG
/// flags          = 1*2HEXDIG
/// ```
///
/// where a colon may be percent-encoded. Returns the value that a service sends on: ids padded with
/// zeroes, no parent, and the flags sampled and debug, debug only with sampled.
pub fn uber_trace_id(value: &[u8]) -> Option<String> {
    let value = without_ows(value);
    let colon = any([text(":"), text("%3A"), text("%3a")]);
    let rule = all([
        repeat(1, 32, hexdig()),
        colon.clone(),
        repeat(1, 16, hexdig()),
        colon.clone(),
        repeat(0, 16, hexdig()),
        colon,
        repeat(1, 2, hexdig()),
    ]);
    if !rule.matches(value) {
        return None;
    }
    let value = str::from_utf8(value).ok()?.to_ascii_lowercase().replace("%3a", ":");
    let fields: Vec<&str> = value.split(':').collect();
    let [trace, span, _, flags] = fields[..] else { panic!("{value}") };
    let is_zero = |id: &str| id.bytes().all(|digit| digit == b'0');
    if is_zero(trace) || is_zero(span) {
        return None;
    }
    let flags = match u8::from_str_radix(flags, 16).expect("two digits") & 3 {
        0 | 2 => 0,
        sampled => sampled,
    };
    Some(format!("{trace:0>32}:{span:0>16}:0:{flags}"))
}
