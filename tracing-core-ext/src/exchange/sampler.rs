use std::fmt::Debug;

/// When a span gets its attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attributes {
    /// Before the sampler decides, which may depend on them.
    BeforeSampling,
    /// Once the span is known to be recorded: nobody else pays for them.
    WhenRecorded,
}

impl Attributes {
    /// A sampler must see what a request is (semantic conventions: attributes "provided at span creation time"), but
    /// the common ones of the SDK do not look, and then no request that is not sampled need be described.
    ///
    /// A provider tells which sampler it has in its `Debug` output alone. It is asked once, when a layer is built. One
    /// that is not recognised gets everything, so a change of that output costs time and nothing else.
    pub(crate) fn wanted_by(provider: &impl Debug) -> Self {
        let described = format!("{provider:?}");
        match described.split("Config { sampler: ").nth(1) {
            Some(sampler) if ignores_attributes(sampler) => Self::WhenRecorded,
            _ => Self::BeforeSampling,
        }
    }
}

/// Whether `text` begins with a sampler of the SDK that decides by trace id and parent alone.
fn ignores_attributes(text: &str) -> bool {
    let text = text.strip_prefix("ParentBased(").unwrap_or(text);
    let Some(end) = text.find([',', ' ', ')']) else {
        return false;
    };
    let ratio = text.strip_prefix("TraceIdRatioBased(");
    matches!(&text[..end], "AlwaysOn" | "AlwaysOff")
        || ratio.is_some_and(|ratio| ratio.starts_with(is_digit))
}

const fn is_digit(character: char) -> bool {
    character.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use opentelemetry::{
        Context, KeyValue, TraceId,
        trace::{Link, SpanKind, noop::NoopTracerProvider},
    };
    use opentelemetry_sdk::trace::{
        Sampler::{self, AlwaysOff, AlwaysOn, ParentBased, TraceIdRatioBased},
        SamplingResult, SdkTracerProvider, ShouldSample,
    };

    use super::*;

    fn wanted_by(sampler: impl ShouldSample + 'static) -> Attributes {
        let provider = SdkTracerProvider::builder().with_sampler(sampler).build();
        Attributes::wanted_by(&provider)
    }

    #[test]
    fn the_samplers_of_the_sdk_are_known_not_to_look() {
        for sampler in [
            AlwaysOn,
            AlwaysOff,
            TraceIdRatioBased(0.25),
            ParentBased(Box::new(AlwaysOn)),
            ParentBased(Box::new(TraceIdRatioBased(1.0))),
        ] {
            assert_eq!(wanted_by(sampler.clone()), Attributes::WhenRecorded, "{sampler:?}");
        }
    }

    #[test]
    fn any_other_sampler_is_shown_everything() {
        assert_eq!(wanted_by(Own), Attributes::BeforeSampling);
        assert_eq!(wanted_by(ParentBased(Box::new(Own))), Attributes::BeforeSampling);
        let with_branches = Sampler::parent_based(AlwaysOn).with_remote_parent_sampled(Own);
        assert_eq!(wanted_by(with_branches), Attributes::BeforeSampling);
    }

    #[test]
    fn a_provider_without_a_sampler_gets_everything() {
        let provider = NoopTracerProvider::new();
        assert_eq!(Attributes::wanted_by(&provider), Attributes::BeforeSampling);
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
