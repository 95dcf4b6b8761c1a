mod baggage;
pub(crate) mod baggage_order;
pub(crate) mod extras;
pub(crate) mod ot_member;
pub(crate) mod traceparent;
pub(crate) mod tracestate;

use std::sync::LazyLock;

use http::HeaderName;
use opentelemetry::{
    Context,
    baggage::BaggageExt,
    propagation::{Extractor, Injector, TextMapPropagator, text_map_propagator::FieldIter},
    trace::{SpanContext, TraceContextExt},
};

use self::{
    baggage_order::{BaggageOrder, ReceivedBaggage},
    extras::W3cExtras,
    traceparent::TraceParent,
    tracestate::TRACESTATE,
};
use super::{
    extracted::{Extracted, RemoteParent, TraceStateHeader},
    headers::{HeaderValues, Headers, HeadersMut, trim_ows},
    text_map::{ExtractorHeaders, InjectorHeaders},
};

static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
static BAGGAGE: HeaderName = HeaderName::from_static("baggage");

pub(super) static FIELDS: LazyLock<[String; 3]> =
    LazyLock::new(|| [&TRACEPARENT, &TRACESTATE, &BAGGAGE].map(ToString::to_string));

/// Strict implementation of W3C Trace Context (Level 2) and W3C Baggage.
///
/// It uses [`Headers`] directly. It is also a [`TextMapPropagator`], for functions such as
/// [`set_text_map_propagator`](opentelemetry::global::set_text_map_propagator).
///
/// ```
/// use http::HeaderMap;
/// use opentelemetry::baggage::BaggageExt;
/// use opentelemetry::trace::TraceContextExt;
/// use tracing_core_ext::propagation::W3cPropagator;
///
/// let mut inbound = HeaderMap::new();
/// inbound.insert(
///     "traceparent",
///     "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse()?,
/// );
/// inbound.insert("baggage", "tenant=blue".parse()?);
///
/// let cx = W3cPropagator::new().extract(&inbound);
/// assert!(cx.span().span_context().is_remote());
/// assert_eq!(cx.baggage().get("tenant").unwrap().as_str(), "blue");
///
/// // A public edge does not take a stranger's baggage.
/// let cx = W3cPropagator::new().without_baggage().extract(&inbound);
/// assert!(cx.baggage().is_empty());
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct W3cPropagator {
    baggage: bool,
}

impl W3cPropagator {
    /// Propagates `traceparent`, `tracestate` and `baggage`.
    pub const fn new() -> Self {
        Self { baggage: true }
    }

    /// Neither extracts nor injects `baggage`.
    pub const fn without_baggage(self) -> Self {
        Self { baggage: false }
    }

    /// Extracts the span and the baggage of the caller into an empty context.
    ///
    /// Never fails. Without a valid `traceparent`, or with two, the context has no span and a new
    /// trace starts. An invalid `tracestate` is dropped; of several members with one key, the first
    /// is kept. Of the baggage, only the invalid members are dropped.
    pub fn extract<H: Headers>(&self, headers: &H) -> Context {
        self.extract_into(Context::new(), headers)
    }

    /// Injects the span and the baggage of `cx` into the headers of a request to another service.
    ///
    /// A valid span replaces both `traceparent` and `tracestate`: a `tracestate` from an earlier
    /// use of these headers is removed. If `cx` has no valid span, or no baggage, the corresponding
    /// fields in `headers` stay unchanged.
    pub fn inject<H: HeadersMut>(&self, cx: &Context, headers: &mut H) {
        inject_span(cx, headers);
        if self.baggage {
            inject_baggage(cx, headers);
        }
    }

    fn extract_into<H: Headers>(&self, cx: Context, headers: &H) -> Context {
        self.extract_lazy(cx, headers, false).into_context()
    }

    /// Extracts without creating a context of the caller's span. `keeps_raw` is true if only this
    /// crate injects the result, because only this crate finds a `tracestate` that is stored
    /// without being parsed.
    #[inline(always)]
    pub(super) fn extract_lazy<'a, H: Headers>(
        &self,
        cx: Context,
        headers: &'a H,
        keeps_raw: bool,
    ) -> Extracted<'a, H> {
        let [parent, state, baggage] = headers.fields([&TRACEPARENT, &TRACESTATE, &BAGGAGE]);
        let remote_parent = parent.and_then(traceparent).map(|parent| RemoteParent {
            parent,
            state: state.map(|field| TraceStateHeader { field, headers }),
            keeps_raw,
        });
        let baggage = baggage.filter(|_| self.baggage).and_then(|_| extract_baggage(headers));
        Extracted {
            cx: match baggage {
                Some(baggage) => baggage.into_context(&cx),
                None => cx,
            },
            remote_parent,
        }
    }
}

impl Default for W3cPropagator {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns `cx` with the caller's span, if several formats are extracted. Not inlined, so that W3C
/// extraction stays small.
#[inline(never)]
pub(super) fn extract_trace<H: Headers>(cx: &Context, headers: &H) -> Option<Context> {
    let [parent, state] = headers.fields([&TRACEPARENT, &TRACESTATE]);
    let parent = traceparent(parent?)?;
    let remote_parent = RemoteParent {
        parent,
        state: state.map(|field| TraceStateHeader { field, headers }),
        keeps_raw: false,
    };
    Some(remote_parent.into_context(cx))
}

/// Parses the only value. With two values the parent is ambiguous.
#[inline(always)]
fn traceparent(parent: HeaderValues<'_>) -> Option<TraceParent> {
    if !parent.is_only {
        return None;
    }
    TraceParent::try_from(trim_ows(parent.first)).ok()
}

/// Calls `with_remote_span_context`, which the compiler inlines into W3C extraction only if it has
/// few call sites.
#[inline(never)]
pub(super) fn with_remote_parent(cx: &Context, span_context: SpanContext) -> Context {
    cx.with_remote_span_context(span_context)
}

pub(super) fn extract_baggage<H: Headers>(headers: &H) -> Option<ReceivedBaggage> {
    baggage::extract(headers.values(&BAGGAGE))
}

pub(super) fn inject_span<H: HeadersMut>(cx: &Context, headers: &mut H) {
    let span = cx.span();
    let span_context = span.span_context();
    let Some(mut parent) = TraceParent::from_span_context(span_context) else {
        return;
    };
    let extras = W3cExtras::of(cx, parent.trace_id());
    if extras.is_some_and(|extras| extras.random) {
        parent = parent.with_random();
    }
    headers.set(&TRACEPARENT, &parent.to_bytes());
    let raw = extras.and_then(|extras| extras.list.as_ref());
    match tracestate::header(span_context.trace_state(), raw) {
        Some(list) => headers.set(&TRACESTATE, list.as_bytes()),
        None => headers.remove(&TRACESTATE),
    }
}

pub(super) fn inject_baggage<H: HeadersMut>(cx: &Context, headers: &mut H) {
    if let Some(list) = baggage::header(cx.baggage(), BaggageOrder::of(cx)) {
        headers.set(&BAGGAGE, list.as_bytes());
    }
}

impl TextMapPropagator for W3cPropagator {
    fn inject_context(&self, cx: &Context, injector: &mut dyn Injector) {
        self.inject(cx, &mut InjectorHeaders(injector));
    }

    fn extract_with_context(&self, cx: &Context, extractor: &dyn Extractor) -> Context {
        self.extract_into(cx.clone(), &ExtractorHeaders(extractor))
    }

    fn fields(&self) -> FieldIter<'_> {
        FieldIter::new(&FIELDS[..if self.baggage { 3 } else { 2 }])
    }
}

#[cfg(test)]
mod tests;
