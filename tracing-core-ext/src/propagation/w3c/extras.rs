use opentelemetry::{Context, TraceId};

use super::{traceparent::TraceParent, tracestate::RawTraceState};

/// Values of a remote parent that tracers do not propagate to child spans.
///
/// Every span of the trace must inject them, so they are stored in the context beside the span.
#[derive(Debug)]
pub(crate) struct W3cExtras {
    trace_id: TraceId,
    /// Random flag. The SDK clears all flags of a span that it does not record.
    pub(crate) random: bool,
    pub(crate) list: Option<RawTraceState>,
}

impl W3cExtras {
    #[inline(always)]
    fn new(parent: TraceParent, list: Option<RawTraceState>) -> Option<Self> {
        let random = parent.is_random();
        (random || list.is_some()).then(|| Self { trace_id: parent.trace_id(), random, list })
    }

    pub(crate) fn of(cx: &Context, trace_id: TraceId) -> Option<&Self> {
        cx.get().filter(|extras: &&Self| extras.trace_id == trace_id)
    }
}

/// Returns `cx` with the values of `parent` and `list` that its span cannot hold.
#[inline(always)]
pub(crate) fn with_extras(
    cx: Context,
    parent: TraceParent,
    list: Option<RawTraceState>,
) -> Context {
    match W3cExtras::new(parent, list) {
        Some(extras) => cx.with_value(extras),
        None => cx,
    }
}
