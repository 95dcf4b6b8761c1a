use std::fmt::Debug;

use opentelemetry::{Context, trace::TraceContextExt};

/// What is known of a provider's sampler before it decides.
///
/// A sampler must be shown what a request is (tracing SDK specification, "ShouldSample"). Those of the SDK do not look:
/// they decide by the parent and the trace id. Where that means that a span cannot be recorded, nobody need describe
/// the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sampler {
    Always,
    Never,
    /// As the parent was; the other decides where there is none.
    AsParent(Root),
    /// Anything else, which is shown everything.
    Unknown,
}

/// Whether a trace that starts here may be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    Maybe,
    Never,
}

impl Sampler {
    /// A provider tells which sampler it has in its `Debug` output alone. It is asked once, when a layer is built. What
    /// is not recognised, or not clear, is unknown; so a change of that output costs time and nothing else. Only a
    /// sampler that calls itself by the name of one of the SDK's would be shown less than it asks for.
    pub(crate) fn of(provider: &impl Debug) -> Self {
        let described = format!("{provider:?}");
        let mut parts = described.split(" config: Config { sampler: ").skip(1);
        match (parts.next(), parts.next()) {
            (Some(sampler), None) => Self::parse(sampler),
            _ => Self::Unknown,
        }
    }

    fn parse(text: &str) -> Self {
        if let Some(root) = text.strip_prefix("ParentBased(") {
            return match Self::parse_root(root) {
                Self::Always => Self::AsParent(Root::Maybe),
                Self::Never => Self::AsParent(Root::Never),
                other => other,
            };
        }
        Self::parse_root(text)
    }

    /// A ratio decides by the trace id, so any span may be recorded.
    fn parse_root(text: &str) -> Self {
        let end = text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
        match text.split_at(end) {
            ("AlwaysOn", rest) if is_end(rest) => Self::Always,
            ("AlwaysOff", rest) if is_end(rest) => Self::Never,
            ("TraceIdRatioBased", rest) if rest.starts_with('(') => Self::Always,
            _ => Self::Unknown,
        }
    }

    /// Whether a span below `parent` may be recorded.
    ///
    /// A span in it is a parent to follow even if it is not valid: so a sampling decision that came alone is obeyed.
    pub(crate) fn may_record(self, parent: &Context) -> bool {
        match self {
            Self::Always | Self::Unknown => true,
            Self::Never => false,
            Self::AsParent(_) if parent.has_active_span() => {
                parent.span().span_context().is_sampled()
            }
            Self::AsParent(root) => root == Root::Maybe,
        }
    }
}

/// The end of a unit variant, as a field or as the only item of a tuple.
fn is_end(rest: &str) -> bool {
    rest.starts_with([',', ')'])
}

#[cfg(test)]
mod tests {
    use opentelemetry::{
        KeyValue, TraceFlags, TraceId,
        trace::{
            Link, Span, SpanContext, SpanKind, TraceState, Tracer, TracerProvider,
            noop::NoopTracerProvider,
        },
    };
    use opentelemetry_sdk::trace::{
        Sampler::{self as Sdk, AlwaysOff, AlwaysOn, ParentBased, TraceIdRatioBased},
        SamplingResult, SdkTracerProvider, ShouldSample,
    };

    use super::*;

    fn of(sampler: impl ShouldSample + 'static) -> Sampler {
        Sampler::of(&SdkTracerProvider::builder().with_sampler(sampler).build())
    }

    fn parent(flags: TraceFlags) -> Context {
        below(SpanContext::new(7.into(), 9.into(), flags, true, TraceState::NONE))
    }

    fn below(span_context: SpanContext) -> Context {
        Context::new().with_remote_span_context(span_context)
    }

    #[test]
    fn the_samplers_of_the_sdk_are_recognised() {
        assert_eq!(of(AlwaysOn), Sampler::Always);
        assert_eq!(of(AlwaysOff), Sampler::Never);
        assert_eq!(of(TraceIdRatioBased(0.25)), Sampler::Always);
        assert_eq!(of(ParentBased(Box::new(AlwaysOn))), Sampler::AsParent(Root::Maybe));
        assert_eq!(of(ParentBased(Box::new(AlwaysOff))), Sampler::AsParent(Root::Never));
        assert_eq!(
            of(ParentBased(Box::new(TraceIdRatioBased(0.0)))),
            Sampler::AsParent(Root::Maybe)
        );
    }

    #[test]
    fn any_other_sampler_is_unknown() {
        assert_eq!(of(Own), Sampler::Unknown);
        assert_eq!(of(ParentBased(Box::new(Own))), Sampler::Unknown);
        assert_eq!(of(ParentBased(Box::new(ParentBased(Box::new(AlwaysOff))))), Sampler::Unknown);
        assert_eq!(
            of(Sdk::parent_based(AlwaysOff).with_remote_parent_sampled(Own)),
            Sampler::Unknown
        );
        assert_eq!(Sampler::of(&NoopTracerProvider::new()), Sampler::Unknown);
    }

    #[test]
    fn the_parent_decides_where_the_sampler_follows_it() {
        let sampler = Sampler::AsParent(Root::Never);
        assert!(sampler.may_record(&parent(TraceFlags::SAMPLED)));
        assert!(!sampler.may_record(&parent(TraceFlags::NOT_SAMPLED)));
        assert!(!sampler.may_record(&Context::new()));
        assert!(Sampler::AsParent(Root::Maybe).may_record(&Context::new()));
    }

    #[test]
    fn a_decision_without_a_parent_is_followed_as_the_sdk_does() {
        let invalid = SpanContext::NONE;
        for flags in [TraceFlags::SAMPLED, TraceFlags::NOT_SAMPLED] {
            let (trace_id, span_id) = (invalid.trace_id(), invalid.span_id());
            let cx = below(SpanContext::new(trace_id, span_id, flags, true, TraceState::NONE));
            for root in [Sdk::AlwaysOn, Sdk::AlwaysOff] {
                let sampler = ParentBased(Box::new(root));
                let provider = SdkTracerProvider::builder().with_sampler(sampler).build();
                let span = provider.tracer("test").start_with_context("span", &cx);
                assert_eq!(Sampler::of(&provider).may_record(&cx), span.is_recording());
                assert_eq!(span.is_recording(), flags.is_sampled());
            }
        }
    }

    #[test]
    fn what_is_unknown_may_be_recorded() {
        assert!(Sampler::Unknown.may_record(&parent(TraceFlags::NOT_SAMPLED)));
    }

    #[derive(Clone, Debug)]
    struct Own;

    impl ShouldSample for Own {
        fn should_sample(
            &self,
            _: Option<&Context>,
            _: TraceId,
            _: &str,
            _: &SpanKind,
            _: &[KeyValue],
            _: &[Link],
        ) -> SamplingResult {
            unreachable!("nothing is sampled here")
        }
    }
}
