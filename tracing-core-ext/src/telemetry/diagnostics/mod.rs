//! What [`TelemetryBuilder::install`](crate::telemetry::TelemetryBuilder::install) finds worth a log line: set-ups that are allowed,
//! and that nevertheless explain why no trace is seen.

#[cfg(debug_assertions)]
mod versions;
pub(crate) mod watchdog;

use std::fmt;

use http::HeaderMap;
use opentelemetry::{
    Context,
    trace::{SpanContext, TraceContextExt, TraceFlags, TraceState},
};
use tracing::level_filters::{LevelFilter, STATIC_MAX_LEVEL};

use crate::{base::self_log::LogTarget, propagation::Propagator};

/// What there is to be examined.
#[derive(Debug)]
pub(crate) struct Patient {
    pub(crate) is_disabled: bool,
    /// How many exporters there are, where somebody has said so.
    pub(crate) exporters: Option<usize>,
    /// What of the environment names exporters that code has named otherwise.
    pub(crate) overruled: Option<&'static str>,
    pub(crate) sampler: String,
    pub(crate) span_level: LevelFilter,
    /// Variables that are set and that nothing reads.
    pub(crate) unread: Vec<String>,
}

#[derive(Debug, PartialEq)]
enum Finding {
    Disabled,
    PrintsTraces,
    ExportsNothing,
    Overruled(&'static str),
    BeginsNothing(String),
    CarriesNothing,
    HidesSpans(LevelFilter),
    CompiledOut(LevelFilter),
    IsTooLate,
    Unread(String),
}

/// Logs a line for each finding.
pub(crate) fn examine(patient: Patient, propagator: &Propagator, log: &LogTarget) {
    let is_too_late = crate::exchange::instrumentation::built_before_install();
    let findings = findings(patient, propagator, is_too_late, STATIC_MAX_LEVEL);
    log.log(|| findings.iter().for_each(Finding::say));
    #[cfg(debug_assertions)]
    versions::look_for_others(log.clone());
}

fn findings(
    patient: Patient,
    propagator: &Propagator,
    is_too_late: bool,
    compiled: LevelFilter,
) -> Vec<Finding> {
    let Patient { is_disabled, exporters, overruled, sampler, span_level, unread } = patient;
    let mut findings = Vec::new();
    let mut find = |finding, is_found: bool| findings.extend(is_found.then_some(finding));
    find(Finding::CarriesNothing, carries_nothing(propagator));
    if is_disabled {
        find(Finding::Disabled, true);
        return findings;
    }
    find(Finding::PrintsTraces, exporters.is_none());
    find(Finding::ExportsNothing, exporters == Some(0));
    find(Finding::BeginsNothing(sampler.clone()), begins_nothing(&sampler));
    find(Finding::HidesSpans(span_level), span_level < LevelFilter::INFO);
    find(Finding::CompiledOut(compiled), compiled < LevelFilter::INFO);
    find(Finding::IsTooLate, is_too_late);
    findings.extend(overruled.map(Finding::Overruled));
    findings.extend(unread.into_iter().map(Finding::Unread));
    findings
}

/// Whether this is a sampler of the SDK, in the words of its `Debug`, that begins no trace.
fn begins_nothing(sampler: &str) -> bool {
    let root = sampler.strip_prefix("ParentBased(").and_then(|rest| rest.strip_suffix(')'));
    matches!(root.unwrap_or(sampler), "AlwaysOff" | "TraceIdRatioBased(0.0)")
}

fn carries_nothing(propagator: &Propagator) -> bool {
    let span = SpanContext::new(1.into(), 1.into(), TraceFlags::SAMPLED, true, TraceState::NONE);
    let mut sent = HeaderMap::new();
    propagator.inject(&Context::new().with_remote_span_context(span), &mut sent);
    sent.is_empty()
}

impl Finding {
    fn say(&self) {
        match self {
            Self::Disabled | Self::PrintsTraces | Self::BeginsNothing(_) | Self::Unread(_) => {
                tracing::info!("{self}");
            }
            _ => tracing::warn!("{self}"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => {
                f.write_str("telemetry is disabled by OTEL_SDK_DISABLED: context is carried on, nothing is recorded")
            }
            Self::PrintsTraces => f.write_str(
                "no exporter is named: traces are printed on standard output; OTEL_EXPORTER_OTLP_ENDPOINT or \
                 otlp_endpoint(..) sends them to a collector",
            ),
            Self::ExportsNothing => {
                f.write_str("OTEL_TRACES_EXPORTER=\"none\": spans are made, and dropped when they end")
            }
            Self::Overruled(variable) => {
                write!(f, "{variable} names an exporter, but code has named others: spans go to those alone")
            }
            Self::BeginsNothing(sampler) => {
                write!(f, "the sampler is {sampler}: no trace that begins here is recorded")
            }
            Self::CarriesNothing => f.write_str(
                "there is no propagator: trace context is neither taken from callers nor sent to other services, so every \
                 trace ends at this service; check OTEL_PROPAGATORS",
            ),
            Self::HidesSpans(level) => write!(
                f,
                "span_level({level}) hides the spans of `tracing` that are of level INFO, as most are; requests keep theirs"
            ),
            Self::CompiledOut(level) => write!(
                f,
                "a feature of the crate `tracing` (max_level_… or release_max_level_…) compiles out everything above {level}: \
                 the spans of #[tracing::instrument] are missing, and log lines as well"
            ),
            Self::IsTooLate => f.write_str(
                "a middleware or client was made before telemetry was installed and will record nothing: call install() \
                 first",
            ),
            Self::Unread(name) => {
                write!(f, "{name} is set, but nothing reads it: is it misspelt, or for a feature that is off?")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::propagation::CompositePropagator;

    fn healthy() -> Patient {
        Patient {
            is_disabled: false,
            exporters: Some(1),
            overruled: None,
            sampler: "ParentBased(AlwaysOn)".to_owned(),
            span_level: LevelFilter::INFO,
            unread: Vec::new(),
        }
    }

    fn found(patient: Patient) -> Vec<Finding> {
        findings(patient, &Propagator::w3c(), false, LevelFilter::TRACE)
    }

    #[test]
    fn nothing_is_said_of_a_set_up_that_works() {
        assert_eq!(found(healthy()), []);
    }

    #[test]
    fn each_finding_is_made_where_its_cause_is() {
        use Finding::*;

        for (patient, finding) in [
            (Patient { is_disabled: true, exporters: None, ..healthy() }, Disabled),
            (Patient { exporters: None, ..healthy() }, PrintsTraces),
            (Patient { exporters: Some(0), ..healthy() }, ExportsNothing),
            (
                Patient { overruled: Some("OTEL_TRACES_EXPORTER"), ..healthy() },
                Overruled("OTEL_TRACES_EXPORTER"),
            ),
            (Patient { span_level: LevelFilter::WARN, ..healthy() }, HidesSpans(LevelFilter::WARN)),
            (
                Patient { unread: vec!["OTEL_ENPOINT".to_owned()], ..healthy() },
                Unread("OTEL_ENPOINT".to_owned()),
            ),
        ] {
            assert_eq!(found(patient), [finding]);
        }
    }

    #[test]
    fn a_sampler_that_begins_no_trace_is_told_from_one_that_does() {
        for (sampler, begins_nothing) in [
            ("AlwaysOff", true),
            ("ParentBased(AlwaysOff)", true),
            ("TraceIdRatioBased(0.0)", true),
            ("ParentBased(TraceIdRatioBased(0.0))", true),
            ("TraceIdRatioBased(0.01)", false),
            ("AlwaysOn", false),
            ("AlwaysOffExceptOnSundays", false),
        ] {
            let sampler = sampler.to_owned();
            let found = found(Patient { sampler: sampler.clone(), ..healthy() });
            let expected = begins_nothing.then_some(Finding::BeginsNothing(sampler));
            assert_eq!(found, Vec::from_iter(expected));
        }
    }

    #[test]
    fn causes_outside_of_the_settings_are_found_too() {
        let nothing: Propagator = "none".parse::<CompositePropagator>().unwrap().into();
        let compiled = LevelFilter::ERROR;
        assert_eq!(
            findings(healthy(), &nothing, true, compiled),
            [Finding::CarriesNothing, Finding::CompiledOut(compiled), Finding::IsTooLate]
        );
    }
}
