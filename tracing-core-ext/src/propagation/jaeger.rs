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
mod tests;
