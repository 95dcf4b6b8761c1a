use std::sync::LazyLock;

use http::HeaderName;
use opentelemetry::{
    Context,
    baggage::{Baggage, BaggageExt},
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
    trace::{SpanId, TraceId},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

use super::{
    b3_context::{B3Context, Sampling},
    headers::{Headers, HeadersMut, trim_ows},
    hex,
    text_map::{ExtractorHeaders, InjectorHeaders},
};

static UBER_TRACE_ID: HeaderName = HeaderName::from_static("uber-trace-id");

/// Prefix of the headers for baggage, one for each entry.
const BAGGAGE: &str = "uberctx-";

/// Largest number of entries, as in W3C Baggage. `Baggage` itself is limited to 8,192 bytes.
const MAX_ENTRIES: usize = 64;

/// Characters that are not unreserved in RFC 3986.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

const SAMPLED: u128 = 0x01;
const DEBUG: u128 = 0x02;

/// The format of Jaeger's clients: `uber-trace-id`, and `uberctx-` headers for baggage.
///
/// ```
/// use http::HeaderMap;
/// use opentelemetry::baggage::BaggageExt;
/// use opentelemetry::trace::TraceContextExt;
/// use tracing_core_ext::propagation::JaegerPropagator;
///
/// let mut inbound = HeaderMap::new();
/// inbound.insert("uber-trace-id", "463ac35c9f6413ad:a2fb4a1d1a96d312:0:1".parse()?);
/// inbound.insert("uberctx-tenant", "blue%20one".parse()?);
///
/// let cx = JaegerPropagator::new().extract(&inbound);
/// assert!(cx.span().span_context().is_sampled());
/// assert_eq!(cx.baggage().get("tenant").unwrap().as_str(), "blue one");
///
/// let cx = JaegerPropagator::new().without_baggage().extract(&inbound);
/// assert!(cx.baggage().is_empty());
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
///
/// The debug flag is propagated through every service of the trace, but only together with the
/// sampled flag. Other flags are neither kept nor sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JaegerPropagator {
    baggage: bool,
}

impl JaegerPropagator {
    /// Propagates `uber-trace-id` and the headers that start with `uberctx-`.
    pub const fn new() -> Self {
        Self { baggage: true }
    }

    /// Neither extracts nor injects the headers that start with `uberctx-`.
    pub const fn without_baggage(self) -> Self {
        Self { baggage: false }
    }

    /// Extracts the span and the baggage of the caller into an empty context.
    ///
    /// Never fails: without a valid `uber-trace-id`, or with two, the context has no span and a new
    /// trace starts.
    pub fn extract<H: Headers>(&self, headers: &H) -> Context {
        self.extract_into(Context::new(), headers)
    }

    /// Injects the span and the baggage of `cx` into the headers of a request to another service.
    ///
    /// If `cx` has no valid span, or no baggage, the corresponding fields in `headers` stay
    /// unchanged. The properties of W3C Baggage do not exist in this format and are omitted, as is
    /// an entry whose key is invalid in a header name.
    pub fn inject<H: HeadersMut>(&self, cx: &Context, headers: &mut H) {
        inject_span(cx, headers);
        self.inject_baggage(cx, headers);
    }

    fn extract_into<H: Headers>(&self, cx: Context, headers: &H) -> Context {
        let cx = extract_trace(&cx, headers).unwrap_or(cx);
        match self.extract_baggage(headers) {
            Some(baggage) => cx.with_baggage(baggage),
            None => cx,
        }
    }

    pub(super) fn extract_baggage<H: Headers>(&self, headers: &H) -> Option<Baggage> {
        if !self.baggage {
            return None;
        }
        let mut baggage = Baggage::new();
        for name in headers.names().filter(|name| baggage_key(name).is_some()).take(MAX_ENTRIES) {
            if let Some((key, value)) = read_entry(name, headers) {
                baggage.insert(key, value);
            }
        }
        (!baggage.is_empty()).then_some(baggage)
    }

    pub(super) fn inject_baggage<H: HeadersMut>(&self, cx: &Context, headers: &mut H) {
        if !self.baggage {
            return;
        }
        for (key, (value, _)) in cx.baggage().iter() {
            if let Ok(name) = HeaderName::try_from(format!("{BAGGAGE}{key}")) {
                let value = utf8_percent_encode(value.as_str(), ENCODED).to_string();
                headers.set(&name, value.as_bytes());
            }
        }
    }

    /// Names of the header fields with a fixed name that [`inject`](Self::inject) may write.
    pub(super) fn injected_fields() -> &'static [String] {
        static FIELDS: LazyLock<[String; 1]> = LazyLock::new(|| [UBER_TRACE_ID.to_string()]);
        &*FIELDS
    }
}

impl Default for JaegerPropagator {
    fn default() -> Self {
        Self::new()
    }
}

impl TextMapPropagator for JaegerPropagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        self.inject(cx, &mut InjectorHeaders(injector));
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        self.extract_into(cx.clone(), &ExtractorHeaders(extractor))
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(Self::injected_fields())
    }
}

/// Returns `cx` with the caller's span.
pub(super) fn extract_trace<H: Headers>(cx: &Context, headers: &H) -> Option<Context> {
    let [field] = headers.fields([&UBER_TRACE_ID]);
    // With two callers the parent is ambiguous.
    let field = field.filter(|field| field.is_only)?;
    read(trim_ows(field.first)).map(|caller| caller.into_context(cx))
}

pub(super) fn inject_span<H: HeadersMut>(cx: &Context, headers: &mut H) {
    if let Some(B3Context { ids: Some((trace_id, span_id)), sampling }) = B3Context::of(cx) {
        let flags = match sampling {
            Sampling::Denied | Sampling::Deferred => 0,
            Sampling::Accepted => SAMPLED,
            Sampling::Debug => SAMPLED | DEBUG,
        };
        let value = format!("{trace_id}:{span_id}:0:{flags:x}");
        headers.set(&UBER_TRACE_ID, value.as_bytes());
    }
}

/// Whether `name` is the header field of the span.
pub(super) fn owns_header(name: &HeaderName) -> bool {
    *name == UBER_TRACE_ID
}

/// Removes the fields of the span and of the baggage.
pub(super) fn remove<H: HeadersMut>(headers: &mut H) {
    headers.remove(&UBER_TRACE_ID);
    headers.remove_prefix(BAGGAGE);
}

// Jaeger, "Propagation Format". A shorter field is padded with zeroes on the left:
//
//   uber-trace-id  = trace-id ":" span-id ":" parent-span-id ":" flags
//   trace-id       = 1*32HEXDIG  ; all zeroes forbidden
//   span-id        = 1*16HEXDIG  ; all zeroes forbidden
//   parent-span-id = *16HEXDIG   ; deprecated
//   flags          = 1*2HEXDIG
//
// Clients that encode header values send "%3A" for the colons.
fn read(value: &[u8]) -> Option<B3Context> {
    let (trace_id, rest) = split_field(value)?;
    let (span_id, rest) = split_field(rest)?;
    let (parent, flags) = split_field(rest)?;
    read_number(parent, 16)?;
    let trace_id = TraceId::from(read_number(trace_id, 32)?);
    let span_id = SpanId::from(u64::try_from(read_number(span_id, 16)?).ok()?);
    if flags.is_empty() || trace_id == TraceId::INVALID || span_id == SpanId::INVALID {
        return None;
    }
    let sampling = match read_number(flags, 2)? {
        flags if flags & SAMPLED == 0 => Sampling::Denied,
        flags if flags & DEBUG == 0 => Sampling::Accepted,
        _ => Sampling::Debug,
    };
    Some(B3Context { ids: Some((trace_id, span_id)), sampling })
}

fn split_field(value: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = value.iter().position(|byte| matches!(byte, b':' | b'%'))?;
    match value.split_at(end) {
        (field, [b':', rest @ ..] | [b'%', b'3', b'A' | b'a', rest @ ..]) => Some((field, rest)),
        _ => None,
    }
}

/// The format does not specify the case of the digits.
fn read_number(digits: &[u8], most: usize) -> Option<u128> {
    let mut lowercase = [0; 32];
    let lowercase = lowercase.get_mut(..digits.len()).filter(|_| digits.len() <= most)?;
    lowercase.copy_from_slice(digits);
    lowercase.make_ascii_lowercase();
    hex::number(lowercase)
}

fn read_entry<H: Headers>(name: &str, headers: &H) -> Option<(String, String)> {
    let header = HeaderName::from_bytes(name.as_bytes()).ok()?;
    let value = trim_ows(headers.values(&header).next()?);
    Some((baggage_key(name)?.to_owned(), decode(value)))
}

/// Returns the key of a baggage header. Header names are case-insensitive, and a carrier may have
/// kept their case.
fn baggage_key(name: &str) -> Option<&str> {
    let (prefix, key) = name.split_at_checked(BAGGAGE.len())?;
    prefix.eq_ignore_ascii_case(BAGGAGE).then_some(key)
}

/// Jaeger, "Value Encoding": URL-encoded. Clients in Java and Go decode a plus as a space, and all
/// clients encode a plus.
fn decode(value: &[u8]) -> String {
    let mut value = value.to_owned();
    for plus in value.iter_mut().filter(|byte| **byte == b'+') {
        *plus = b' ';
    }
    percent_decode(&value).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use http::{HeaderMap, HeaderValue};
    use opentelemetry::{KeyValue, trace::TraceContextExt};
    use proptest::prelude::*;

    use super::*;

    const TRACE: &str = "80f198ee56343ba864fe8b2a57d3eff7";
    const SPAN: &str = "e457b5a2e4d86bd1";
    const SENT: &str = "80f198ee56343ba864fe8b2a57d3eff7:e457b5a2e4d86bd1:0:1";

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    fn extract(fields: &[(&'static str, &str)]) -> Context {
        JaegerPropagator::new().extract(&headers(fields))
    }

    fn inject(cx: &Context) -> HeaderMap {
        let mut headers = HeaderMap::new();
        JaegerPropagator::new().inject(cx, &mut headers);
        headers
    }

    #[track_caller]
    fn assert_forwarded(received: &str, expected: &str) {
        let sent = inject(&extract(&[("uber-trace-id", received)]));
        assert_eq!(sent, headers(&[("uber-trace-id", expected)]), "{received:?}");
    }

    #[track_caller]
    fn assert_restarts(fields: &[(&'static str, &str)]) {
        assert!(!extract(fields).has_active_span(), "{fields:?}");
    }

    /// Returns the headers for this baggage entry.
    fn sent(key: &'static str, value: &'static str) -> HeaderMap {
        inject(&Context::new().with_baggage([KeyValue::new(key, value)]))
    }

    #[test]
    fn a_valid_value_continues_the_trace() {
        let cx = extract(&[("uber-trace-id", SENT)]);

        let span = cx.span();
        assert_eq!(span.span_context().trace_id().to_string(), TRACE);
        assert_eq!(span.span_context().span_id().to_string(), SPAN);
        assert!(span.span_context().is_remote() && span.span_context().is_sampled());
        assert_forwarded(SENT, SENT);
    }

    #[test]
    fn leading_zeroes_may_be_missing() {
        let ids = "00000000000000000000000000000abc:000000000000000d";

        for flags in ["1", "01"] {
            assert_forwarded(&format!("abc:d:0:{flags}"), &format!("{ids}:0:1"));
        }
    }

    #[test]
    fn the_parent_may_have_any_value_of_its_grammar() {
        for parent in ["", "0", "0000000000000000", SPAN] {
            assert_forwarded(&format!("{TRACE}:{SPAN}:{parent}:1"), SENT);
        }
    }

    #[test]
    fn digits_may_be_uppercase() {
        assert_forwarded(&SENT.to_uppercase(), SENT);
    }

    #[test]
    fn colons_may_be_percent_encoded() {
        assert_forwarded(&SENT.replace(':', "%3A"), SENT);
        assert_forwarded(&SENT.replacen(':', "%3a", 2), SENT);
    }

    #[test]
    fn flags_except_sampled_and_debug_are_dropped() {
        let flags = [("0", "0"), ("1", "1"), ("3", "3"), ("8", "0"), ("9", "1"), ("ff", "3")];
        for (received, expected) in flags {
            let [received, expected] =
                [received, expected].map(|it| format!("{TRACE}:{SPAN}:0:{it}"));
            assert_forwarded(&received, &expected);
        }
    }

    #[test]
    fn the_debug_flag_counts_only_with_the_sampled_flag() {
        assert_forwarded(&format!("{TRACE}:{SPAN}:0:2"), &format!("{TRACE}:{SPAN}:0:0"));
    }

    #[test]
    fn a_value_outside_the_grammar_restarts_the_trace() {
        let bad = [
            String::new(),
            TRACE.to_owned(),
            ":::".to_owned(),
            format!("{TRACE}:{SPAN}"),
            format!("{TRACE}:{SPAN}:0"),
            format!("{TRACE}:{SPAN}:0:"),
            format!("{TRACE}:{SPAN}:0:g"),
            format!("{TRACE}:{SPAN}:0:001"),
            format!("{TRACE}:{SPAN}:0:+1"),
            format!("{TRACE}:{SPAN}:x:1"),
            format!("{TRACE}:{SPAN}:0{SPAN}:1"),
            format!("{SENT}:0"),
            format!("{SENT},{SENT}"),
            format!(":{SPAN}:0:1"),
            format!("0:{SPAN}:0:1"),
            format!("{TRACE}::0:1"),
            format!("{TRACE}:0:0:1"),
            format!("0{TRACE}:{SPAN}:0:1"),
            format!("{TRACE}:0{SPAN}:0:1"),
            format!("-{}:{SPAN}:0:1", &TRACE[1..]),
            format!("{TRACE}%3B{SPAN}:0:1"),
            format!("{TRACE}:{SPAN}:0%"),
            format!("{TRACE}:{SPAN}:0%3"),
        ];
        for value in bad {
            assert_restarts(&[("uber-trace-id", &value)]);
        }
    }

    #[test]
    fn two_callers_restart_the_trace() {
        assert_restarts(&[("uber-trace-id", SENT), ("uber-trace-id", SENT)]);
    }

    #[test]
    fn baggage_is_read_with_and_without_a_trace() {
        let alone = extract(&[("uberctx-a", "1"), ("uberctx-b-c", "value%201%20%2F+%2B")]);
        let traced = extract(&[
            ("uber-trace-id", SENT),
            ("uberctx-a", "1"),
            ("uberctx-b-c", "value%201%20%2F+%2B"),
        ]);

        for cx in [alone, traced] {
            assert_eq!(cx.baggage().len(), 2);
            assert_eq!(cx.baggage().get("a").unwrap().as_str(), "1");
            assert_eq!(cx.baggage().get("b-c").unwrap().as_str(), "value 1 / +");
        }
    }

    #[test]
    fn without_baggage_none_is_extracted_or_injected() {
        let propagator = JaegerPropagator::new().without_baggage();
        let mut outbound = HeaderMap::new();

        assert!(propagator.extract(&headers(&[("uberctx-a", "1")])).baggage().is_empty());
        propagator.inject(&Context::new().with_baggage([KeyValue::new("a", "1")]), &mut outbound);
        assert!(outbound.is_empty());
    }

    #[test]
    fn fields_with_similar_names_are_not_baggage() {
        let fields = [("uberctx-", "1"), ("uberctx", "1"), ("x-uberctx-a", "1")];

        assert!(extract(&fields).baggage().is_empty());
    }

    #[test]
    fn octets_that_are_not_utf8_become_the_replacement_character() {
        let cx = extract(&[("uberctx-a", "%ff1"), ("uberctx-b", "100%")]);

        assert_eq!(cx.baggage().get("a").unwrap().as_str(), "\u{fffd}1");
        assert_eq!(cx.baggage().get("b").unwrap().as_str(), "100%");
    }

    #[test]
    fn values_are_sent_percent_encoded() {
        let expected = headers(&[("uberctx-k", "a%20b%2C%22%25%2B%C3%A9%0D%0A-._~")]);

        assert_eq!(sent("k", "a b,\"%+é\r\n-._~"), expected);
    }

    #[test]
    fn a_key_that_is_invalid_in_a_header_name_is_not_sent() {
        for key in ["a b", "a:b", "é", "a\r\nb"] {
            assert!(sent(key, "1").is_empty(), "{key:?}");
        }
    }

    #[test]
    fn a_65th_entry_is_dropped() {
        let mut inbound = HeaderMap::new();
        for at in 0..65 {
            let name = HeaderName::try_from(format!("uberctx-k{at}")).unwrap();
            inbound.insert(name, HeaderValue::from_static("1"));
        }

        assert_eq!(JaegerPropagator::new().extract(&inbound).baggage().len(), 64);
    }

    #[test]
    fn entries_past_8192_bytes_are_dropped() {
        let long = "v".repeat(8000);
        let cx = extract(&[("uberctx-a", &long), ("uberctx-b", &long), ("uberctx-c", "1")]);

        assert_eq!(cx.baggage().len(), 2);
    }

    #[test]
    fn an_empty_context_leaves_the_headers_as_they_are() {
        let before = headers(&[("uber-trace-id", SENT), ("uberctx-a", "1")]);
        let mut after = before.clone();
        JaegerPropagator::new().inject(&Context::new(), &mut after);

        assert_eq!(after, before);
    }

    #[test]
    fn it_serves_as_a_text_map_propagator() {
        let carrier = HashMap::from([
            ("uber-trace-id".to_owned(), SENT.to_owned()),
            ("uberctx-a".to_owned(), "1".to_owned()),
        ]);
        let propagator = JaegerPropagator::new();
        let cx = propagator.extract_with_context(&Context::new(), &carrier);
        let mut sent = HashMap::new();
        propagator.inject_context(&cx, &mut sent);
        assert_eq!(sent, carrier);

        let nothing = HashMap::<String, String>::new();
        let cx = propagator.extract_with_context(&cx, &nothing);
        assert!(cx.has_active_span(), "the given context stays");
        assert!(propagator.fields().eq(["uber-trace-id"]));
    }

    proptest! {
        #[test]
        fn any_fields_continue_a_valid_trace_or_restart(
            fields in prop::collection::vec(
                (0usize..3, prop_oneof![
                    prop::collection::vec(any::<u8>(), 0..100),
                    "[0-9a-fA-F]{1,32}(:|%3A)[0-9a-f]{1,16}:[0-9a-f]{0,16}:[0-9a-f]{1,2}"
                        .prop_map(String::into_bytes),
                ]),
                0..4,
            ),
        ) {
            let names = ["uber-trace-id", "uberctx-a", "uberctx-b"];
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    headers.append(names[name], value);
                }
            }
            let cx = JaegerPropagator::new().extract(&headers);
            prop_assert_eq!(cx.has_active_span(), cx.span().span_context().is_valid());

            let again = JaegerPropagator::new().extract(&inject(&cx));
            prop_assert_eq!(B3Context::of(&again), B3Context::of(&cx));
            prop_assert_eq!(again.baggage().to_string().len(), cx.baggage().to_string().len());
        }
    }
}
