use opentelemetry::{
    Context,
    trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState},
};

use super::w3c;

/// Span of a caller in the formats of B3 and Jaeger, which hold more than a `SpanContext`.
///
/// A received one is stored in the context, beside the span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct B3Context {
    /// `None` if a decision was received without a span.
    pub(super) ids: Option<(TraceId, SpanId)>,
    pub(super) sampling: Sampling,
}

/// Sampling state: B3, "Sampling State".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sampling {
    /// The called service decides.
    Deferred,
    Denied,
    Accepted,
    /// Accepted, and forced in every service of the trace.
    Debug,
}

impl B3Context {
    /// Returns `cx` with this span as parent.
    ///
    /// A decision without a span becomes an invalid span with its flags. A new trace starts, and
    /// `Sampler::ParentBased` of the SDK follows the flags, because it requires no valid span. A
    /// valid span in `cx` is kept.
    pub(super) fn into_context(self, cx: &Context) -> Context {
        if self.ids.is_none() && cx.span().span_context().is_valid() {
            return cx.clone();
        }
        let (trace_id, span_id) = self.ids.unwrap_or((TraceId::INVALID, SpanId::INVALID));
        let flags = self.sampling.flags();
        let span_context = SpanContext::new(trace_id, span_id, flags, true, TraceState::NONE);
        w3c::with_remote_parent(cx, span_context).with_value(self)
    }

    /// Returns the span of `cx`, or else the decision that was received without a span.
    pub(super) fn of(cx: &Context) -> Option<Self> {
        let received = cx.get::<Self>();
        let span = cx.span();
        let span = span.span_context();
        if !span.is_valid() {
            return received.copied().filter(|received| received.ids.is_none());
        }
        let sampling = received.and_then(|received| received.inherited_decision(span));
        let sampling = sampling.unwrap_or(match span.is_sampled() {
            true => Sampling::Accepted,
            false => Sampling::Denied,
        });
        Some(Self { ids: Some((span.trace_id(), span.span_id())), sampling })
    }

    /// Returns the received state that applies to `span` regardless of its flags.
    fn inherited_decision(&self, span: &SpanContext) -> Option<Sampling> {
        match (self.sampling, self.ids) {
            (Sampling::Debug, None) if !span.is_remote() => Some(Sampling::Debug),
            (Sampling::Debug, Some((trace_id, _))) if trace_id == span.trace_id() => {
                Some(Sampling::Debug)
            }
            // No service has decided since.
            (Sampling::Deferred, ids) if ids == Some((span.trace_id(), span.span_id())) => {
                Some(Sampling::Deferred)
            }
            _ => None,
        }
    }
}

impl Sampling {
    /// Returns the flags. A `SpanContext` cannot defer the decision, so deferred counts as not
    /// sampled.
    const fn flags(self) -> TraceFlags {
        match self {
            Self::Accepted | Self::Debug => TraceFlags::SAMPLED,
            Self::Denied | Self::Deferred => TraceFlags::NOT_SAMPLED,
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::{Tracer, TracerProvider};
    use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, ShouldSample};

    use super::*;

    const STATES: [Sampling; 4] =
        [Sampling::Deferred, Sampling::Denied, Sampling::Accepted, Sampling::Debug];

    fn ids() -> Option<(TraceId, SpanId)> {
        Some((TraceId::from(7), SpanId::from(9)))
    }

    fn received(ids: Option<(TraceId, SpanId)>, sampling: Sampling) -> Context {
        B3Context { ids, sampling }.into_context(&Context::new())
    }

    /// Returns `cx` with a child span that the provider creates with `sampler`.
    fn with_child(cx: &Context, sampler: impl ShouldSample + 'static) -> Context {
        let provider = SdkTracerProvider::builder().with_sampler(sampler).build();
        cx.with_span(provider.tracer("test").start_with_context("child", cx))
    }

    /// Returns a sampler that follows the parent, and makes the opposite decision for a root.
    fn following(is_sampled: bool) -> Sampler {
        Sampler::ParentBased(Box::new(match is_sampled {
            true => Sampler::AlwaysOff,
            false => Sampler::AlwaysOn,
        }))
    }

    fn sampling(cx: &Context) -> Sampling {
        B3Context::of(cx).unwrap().sampling
    }

    #[test]
    fn without_a_local_span_a_caller_is_injected_as_it_was_received() {
        for sampling in STATES {
            let caller = B3Context { ids: ids(), sampling };
            assert_eq!(B3Context::of(&caller.into_context(&Context::new())), Some(caller));
        }
        for sampling in [Sampling::Denied, Sampling::Accepted, Sampling::Debug] {
            let alone = B3Context { ids: None, sampling };
            assert_eq!(B3Context::of(&alone.into_context(&Context::new())), Some(alone));
        }
    }

    #[test]
    fn a_sampler_that_follows_the_parent_follows_the_decision() {
        let cases = [
            (Sampling::Deferred, false),
            (Sampling::Denied, false),
            (Sampling::Accepted, true),
            (Sampling::Debug, true),
        ];
        for (sampling, is_sampled) in cases {
            for ids in [ids(), None] {
                let child = with_child(&received(ids, sampling), following(is_sampled));
                let span = child.span();
                assert!(span.span_context().is_valid());
                assert_eq!(span.span_context().is_sampled(), is_sampled, "{sampling:?} {ids:?}");
            }
        }
    }

    #[test]
    fn a_decision_alone_starts_a_trace() {
        let cx = received(None, Sampling::Accepted);

        let [one, other] = [(); 2].map(|()| with_child(&cx, Sampler::AlwaysOn));
        assert_ne!(B3Context::of(&one).unwrap().ids, B3Context::of(&other).unwrap().ids);
    }

    #[test]
    fn a_decision_alone_replaces_no_span() {
        let cx = with_child(&Context::new(), Sampler::AlwaysOn);
        let decided = B3Context { ids: None, sampling: Sampling::Denied }.into_context(&cx);

        assert_eq!(B3Context::of(&decided), B3Context::of(&cx));
    }

    #[test]
    fn the_debug_flag_is_kept_with_every_sampler() {
        for sampler in [Sampler::AlwaysOn, Sampler::AlwaysOff, following(true)] {
            for ids in [ids(), None] {
                let child = with_child(&received(ids, Sampling::Debug), sampler.clone());
                let grandchild = with_child(&child, sampler.clone());
                assert_eq!(sampling(&child), Sampling::Debug, "{sampler:?} {ids:?}");
                assert_eq!(sampling(&grandchild), Sampling::Debug, "{sampler:?} {ids:?}");
            }
        }
    }

    #[test]
    fn a_span_decides_a_deferred_state() {
        let cx = received(ids(), Sampling::Deferred);

        assert_eq!(sampling(&with_child(&cx, following(false))), Sampling::Denied);
        assert_eq!(sampling(&with_child(&cx, Sampler::AlwaysOn)), Sampling::Accepted);
    }

    #[test]
    fn a_sampler_that_is_not_parent_based_overrides_the_parent() {
        let denied = received(None, Sampling::Denied);
        let accepted = received(ids(), Sampling::Accepted);

        assert_eq!(sampling(&with_child(&denied, Sampler::AlwaysOn)), Sampling::Accepted);
        assert_eq!(sampling(&with_child(&accepted, Sampler::AlwaysOff)), Sampling::Denied);
        let root = Sampler::parent_based(Sampler::AlwaysOn);
        assert_eq!(sampling(&with_child(&denied, root)), Sampling::Accepted);
    }

    #[test]
    fn a_state_of_one_trace_does_not_apply_to_another() {
        let (trace_id, span_id) = (TraceId::from(8), SpanId::from(9));
        let flags = TraceFlags::NOT_SAMPLED;
        let other = SpanContext::new(trace_id, span_id, flags, true, TraceState::NONE);
        let callers =
            [(ids(), Sampling::Debug), (ids(), Sampling::Deferred), (None, Sampling::Debug)];
        for (ids, state) in callers {
            let cx = received(ids, state).with_remote_span_context(other.clone());
            assert_eq!(sampling(&cx), Sampling::Denied, "{state:?} {ids:?}");
        }
    }

    #[test]
    fn without_a_received_state_the_flags_of_the_span_are_used() {
        assert_eq!(B3Context::of(&Context::new()), None);

        let cx = with_child(&Context::new(), Sampler::AlwaysOn);
        assert_eq!(sampling(&cx), Sampling::Accepted);
    }

    #[test]
    fn ids_without_their_span_are_not_injected() {
        let cx = received(ids(), Sampling::Debug).with_remote_span_context(SpanContext::NONE);
        assert_eq!(B3Context::of(&cx), None);
    }
}
