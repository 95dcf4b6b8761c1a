use std::{fmt::Write, sync::LazyLock};

use http::HeaderName;
use opentelemetry::{
    Context,
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
    trace::{SpanId, TraceId},
};

use super::{
    b3_context::{B3Context, Sampling},
    headers::{Headers, HeadersMut, trim_ows},
    hex,
    text_map::{ExtractorHeaders, InjectorHeaders},
};

static B3: HeaderName = HeaderName::from_static("b3");
static TRACE_ID: HeaderName = HeaderName::from_static("x-b3-traceid");
static SPAN_ID: HeaderName = HeaderName::from_static("x-b3-spanid");
static PARENT_SPAN_ID: HeaderName = HeaderName::from_static("x-b3-parentspanid");
static SAMPLED: HeaderName = HeaderName::from_static("x-b3-sampled");
static FLAGS: HeaderName = HeaderName::from_static("x-b3-flags");

/// Header fields of both forms.
static ALL: [&HeaderName; 6] = [&B3, &TRACE_ID, &SPAN_ID, &PARENT_SPAN_ID, &SAMPLED, &FLAGS];

/// B3, the format of Zipkin, in one header or in several headers.
///
/// Both forms are extracted, regardless of the form that is injected. The single header takes
/// precedence if both are received.
///
/// ```
/// use http::HeaderMap;
/// use opentelemetry::trace::TraceContextExt;
/// use tracing_core_ext::propagation::B3Propagator;
///
/// let mut inbound = HeaderMap::new();
/// inbound.insert("b3", "80f198ee56343ba864fe8b2a57d3eff7-05e3ac9a4f6e3b90-d".parse()?);
/// let cx = B3Propagator::multi_header().extract(&inbound);
/// assert!(cx.span().span_context().is_sampled());
///
/// let mut outbound = HeaderMap::new();
/// B3Propagator::multi_header().inject(&cx, &mut outbound);
/// assert_eq!(outbound["x-b3-traceid"], "80f198ee56343ba864fe8b2a57d3eff7");
/// assert_eq!(outbound["x-b3-spanid"], "05e3ac9a4f6e3b90");
/// assert_eq!(outbound["x-b3-flags"], "1", "a trace that is debugged stays so");
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
///
/// # Sampling states
///
/// | state | `b3` | several headers | in this service | sent on |
/// | --- | --- | --- | --- | --- |
/// | accept | `1` | `X-B3-Sampled: 1` | sampled | as the span is |
/// | deny | `0` | `X-B3-Sampled: 0` | not sampled | as the span is |
/// | debug | `d` | `X-B3-Flags: 1` | sampled | debug, regardless of the span |
/// | defer | none | none | not sampled | as the span is, or deferred if there is none |
///
/// A sampler that follows the parent follows the state; any other sampler decides itself. A state
/// without ids starts a new trace: `Sampler::ParentBased` of the SDK follows it, and
/// `ParentBasedSampler` of the SDK uses its sampler for roots instead. If no span is created, the
/// state is injected as it was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct B3Propagator {
    single: bool,
    multi: bool,
}

impl B3Propagator {
    /// Writes the header `b3`.
    pub const fn single_header() -> Self {
        Self { single: true, multi: false }
    }

    /// Writes the headers that begin with `X-B3-`.
    pub const fn multi_header() -> Self {
        Self { single: false, multi: true }
    }

    /// Combines the headers that the two propagators inject.
    pub(super) const fn union(self, other: Self) -> Self {
        Self { single: self.single || other.single, multi: self.multi || other.multi }
    }

    /// Extracts the span of the caller into an empty context.
    ///
    /// Never fails: if both forms are invalid, the context has no span and a new trace starts.
    pub fn extract<H: Headers>(&self, headers: &H) -> Context {
        let cx = Context::new();
        self.extract_trace(&cx, headers).unwrap_or(cx)
    }

    /// Injects the span of `cx` into the headers of a request to another service.
    ///
    /// Replaces every field of both forms. If `cx` has neither a valid span nor a decision that was
    /// received without one, the fields in `headers` stay unchanged.
    pub fn inject<H: HeadersMut>(&self, cx: &Context, headers: &mut H) {
        let Some(caller) = B3Context::of(cx) else {
            return;
        };
        remove(headers);
        if self.single {
            headers.set(&B3, write_single(caller).as_bytes());
        }
        if self.multi {
            write_multi(caller, headers);
        }
    }

    /// Returns `cx` with the caller's span, or with a decision that was received without a span.
    pub(super) fn extract_trace<H: Headers>(&self, cx: &Context, headers: &H) -> Option<Context> {
        let fields = headers.fields([&B3, &TRACE_ID, &SPAN_ID, &SAMPLED, &FLAGS]);
        // B3, "Multiple Headers": "When extracting state headers, the first value wins."
        let [single, ids @ .., sampled, flags] =
            fields.map(|field| field.map(|field| trim_ows(field.first)));
        let caller = single.and_then(read_single).or_else(|| read_multi(ids, sampled, flags))?;
        Some(caller.into_context(cx))
    }

    /// Names of the header fields that [`inject`](Self::inject) may write.
    pub(super) fn injected_fields(&self) -> &'static [String] {
        static FIELDS: LazyLock<[String; 5]> =
            LazyLock::new(|| [&B3, &TRACE_ID, &SPAN_ID, &SAMPLED, &FLAGS].map(ToString::to_string));
        match (self.single, self.multi) {
            (true, false) => &FIELDS[..1],
            (false, true) => &FIELDS[1..],
            _ => &*FIELDS,
        }
    }
}

/// Injects the single header.
impl Default for B3Propagator {
    fn default() -> Self {
        Self::single_header()
    }
}

impl TextMapPropagator for B3Propagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        self.inject(cx, &mut InjectorHeaders(injector));
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        self.extract_trace(cx, &ExtractorHeaders(extractor)).unwrap_or_else(|| cx.clone())
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(self.injected_fields())
    }
}

/// Whether `name` is a field of either form.
pub(super) fn owns_header(name: &HeaderName) -> bool {
    ALL.contains(&name)
}

/// Removes every field of both forms.
pub(super) fn remove<H: HeadersMut>(headers: &mut H) {
    for name in ALL {
        headers.remove(name);
    }
}

// Grammar of B3, "Single Header". The last two fields of the first form are optional:
//
//   b3             = trace-id "-" span-id [ "-" sampling-state ] [ "-" parent-span-id ]
//   b3             =/ sampling-state
//   trace-id       = 32HEXDIGLC / 16HEXDIGLC  ; all zeroes forbidden
//   span-id        = 16HEXDIGLC               ; all zeroes forbidden
//   sampling-state = "0" / "1" / "d"
//   parent-span-id = 16HEXDIGLC
fn read_single(value: &[u8]) -> Option<B3Context> {
    if let Some(sampling) = read_state(value) {
        return Some(B3Context { ids: None, sampling });
    }
    let mut fields = value.split(|&byte| byte == b'-').peekable();
    let ids = Some((read_trace_id(fields.next()?)?, read_span_id(fields.next()?)?));
    let state = fields.next_if(|field| read_state(field).is_some()).and_then(read_state);
    let parent = fields.next();
    if fields.next().is_some() || parent.is_some_and(|parent| !is_span_id(parent)) {
        return None;
    }
    Some(B3Context { ids, sampling: state.unwrap_or(Sampling::Deferred) })
}

// Grammar of B3, "Multiple Headers". The parent's id is not used and not parsed:
//
//   X-B3-TraceId = trace-id
//   X-B3-SpanId  = span-id
//   X-B3-Sampled = "0" / "1" / "false" / "true"
//   X-B3-Flags   = "1"
fn read_multi(
    ids: [Option<&[u8]>; 2],
    sampled: Option<&[u8]>,
    flags: Option<&[u8]>,
) -> Option<B3Context> {
    let sampling = match (flags, sampled) {
        (Some(b"1"), _) => Sampling::Debug,
        (_, None) => Sampling::Deferred,
        (_, Some(b"0" | b"false")) => Sampling::Denied,
        (_, Some(b"1" | b"true")) => Sampling::Accepted,
        _ => return None,
    };
    let ids = match ids {
        [None, None] if sampling == Sampling::Deferred => return None,
        [None, None] => None,
        [trace_id, span_id] => Some((read_trace_id(trace_id?)?, read_span_id(span_id?)?)),
    };
    Some(B3Context { ids, sampling })
}

fn read_state(state: &[u8]) -> Option<Sampling> {
    match state {
        b"0" => Some(Sampling::Denied),
        b"1" => Some(Sampling::Accepted),
        b"d" => Some(Sampling::Debug),
        _ => None,
    }
}

fn read_trace_id(digits: &[u8]) -> Option<TraceId> {
    let digits = Some(digits).filter(|digits| matches!(digits.len(), 16 | 32))?;
    hex::number(digits).map(TraceId::from).filter(|id| *id != TraceId::INVALID)
}

fn read_span_id(digits: &[u8]) -> Option<SpanId> {
    let digits = Some(digits).filter(|digits| digits.len() == 16)?;
    let number = u64::try_from(hex::number(digits)?).ok()?;
    Some(SpanId::from(number)).filter(|id| *id != SpanId::INVALID)
}

fn is_span_id(digits: &[u8]) -> bool {
    digits.len() == 16 && hex::number(digits).is_some()
}

fn write_single(caller: B3Context) -> String {
    let mut value = String::new();
    if let Some((trace_id, span_id)) = caller.ids {
        let _ = write!(value, "{trace_id}-{span_id}");
    }
    let state = match caller.sampling {
        Sampling::Deferred => return value,
        Sampling::Denied => '0',
        Sampling::Accepted => '1',
        Sampling::Debug => 'd',
    };
    if !value.is_empty() {
        value.push('-');
    }
    value.push(state);
    value
}

/// Writes no parent id: the injected span is the caller of the next service, which starts its own
/// span.
fn write_multi<H: HeadersMut>(caller: B3Context, headers: &mut H) {
    if let Some((trace_id, span_id)) = caller.ids {
        headers.set(&TRACE_ID, trace_id.to_string().as_bytes());
        headers.set(&SPAN_ID, span_id.to_string().as_bytes());
    }
    match caller.sampling {
        Sampling::Deferred => {}
        Sampling::Denied => headers.set(&SAMPLED, b"0"),
        Sampling::Accepted => headers.set(&SAMPLED, b"1"),
        Sampling::Debug => headers.set(&FLAGS, b"1"),
    }
}

#[cfg(test)]
mod tests;
