//! Diagnostics of [`TelemetryBuilder::install`](crate::telemetry::TelemetryBuilder::install):
//! set-ups that are valid, but that explain missing traces.

pub(super) mod settings;
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

use crate::{
    base::{deferred_log, self_log::SelfLog, setup_fault::SetupFault},
    config::env::{findings::Finding, unused::UnusedVariable},
    exchange::instrumentation::installed,
    export::delivery::StatusSource,
    propagation::Propagator,
};

/// Summary of a set-up.
#[derive(Debug)]
pub(crate) struct SetupSummary {
    pub(crate) is_disabled: bool,
    /// Number of exporters, if code or environment sets them.
    pub(crate) exporters: Option<usize>,
    /// Variable that sets an exporter and that exporters in code override.
    pub(crate) overridden: Option<&'static str>,
    /// Name of the sampler, if it records no trace that starts here.
    pub(crate) idle_sampler: Option<String>,
    pub(crate) span_level: LevelFilter,
    /// Variables that are set and not read.
    pub(crate) unused: Vec<UnusedVariable>,
    /// Variables that are set and ignored because of a configuration file.
    pub(crate) ignored: Option<IgnoredVariables>,
    /// Settings that are invalid or suspicious.
    pub(crate) findings: Vec<Finding>,
}

/// A configuration file, and the variables of OpenTelemetry that it does not refer to.
#[derive(Debug, PartialEq)]
pub(crate) struct IgnoredVariables {
    pub(crate) file: String,
    pub(crate) names: Vec<String>,
}

#[derive(Debug, PartialEq)]
enum Diagnostic {
    Disabled,
    NoExporter,
    ExporterNone,
    NoExporterInFile(String),
    IgnoredVariables(IgnoredVariables),
    ExporterOverridden(&'static str),
    RootsNotSampled(String),
    NoPropagator,
    SpanLevelTooLow(LevelFilter),
    SpansCompiledOut(LevelFilter),
    BuiltBeforeInstall,
    UnusedVariable(UnusedVariable),
    Setting(Finding),
}

/// Logs a line for each diagnostic of telemetry that is not global.
pub(crate) fn report(
    summary: SetupSummary,
    propagator: &Propagator,
    log: &SelfLog,
    status: &StatusSource,
) {
    let diagnostics = diagnostics(summary, propagator, false, STATIC_MAX_LEVEL);
    status.set_diagnostics(texts(&diagnostics));
    log.log(|| diagnostics.iter().for_each(Diagnostic::log));
}

/// Logs a line for each diagnostic of global telemetry. Without a log the lines are written when a
/// subscriber exists.
pub(crate) fn report_install(
    summary: SetupSummary,
    propagator: &Propagator,
    log: Option<&SelfLog>,
    status: &StatusSource,
) {
    let built_before_install = installed::built_before_install();
    if built_before_install {
        SetupFault::NoProvider.skip();
    }
    let diagnostics = diagnostics(summary, propagator, built_before_install, STATIC_MAX_LEVEL);
    status.set_diagnostics(texts(&diagnostics));
    let write = move || diagnostics.iter().for_each(Diagnostic::log);
    match log {
        Some(log) => log.log(write),
        None => deferred_log::log(write),
    }
    #[cfg(debug_assertions)]
    versions::warn_duplicate_versions(log.cloned().unwrap_or_default());
}

fn texts(diagnostics: &[Diagnostic]) -> Vec<String> {
    diagnostics.iter().map(ToString::to_string).collect()
}

fn diagnostics(
    summary: SetupSummary,
    propagator: &Propagator,
    built_before_install: bool,
    compiled: LevelFilter,
) -> Vec<Diagnostic> {
    let SetupSummary { is_disabled, exporters, overridden, idle_sampler, span_level, .. } = summary;
    let mut diagnostics = Vec::from_iter(summary.findings.into_iter().map(Diagnostic::Setting));
    let mut push_if =
        |diagnostic, is_found: bool| diagnostics.extend(is_found.then_some(diagnostic));
    push_if(Diagnostic::NoPropagator, injects_nothing(propagator));
    if is_disabled {
        push_if(Diagnostic::Disabled, true);
        return diagnostics;
    }
    push_if(Diagnostic::NoExporter, exporters.is_none());
    match summary.ignored.as_ref().map(|ignored| ignored.file.clone()) {
        Some(file) => push_if(Diagnostic::NoExporterInFile(file), exporters == Some(0)),
        None => push_if(Diagnostic::ExporterNone, exporters == Some(0)),
    }
    if let Some(sampler) = idle_sampler {
        push_if(Diagnostic::RootsNotSampled(sampler), true);
    }
    push_if(Diagnostic::SpanLevelTooLow(span_level), span_level < LevelFilter::INFO);
    push_if(Diagnostic::SpansCompiledOut(compiled), compiled < LevelFilter::INFO);
    push_if(Diagnostic::BuiltBeforeInstall, built_before_install);
    diagnostics.extend(overridden.map(Diagnostic::ExporterOverridden));
    let ignored = summary.ignored.filter(|ignored| !ignored.names.is_empty());
    diagnostics.extend(ignored.map(Diagnostic::IgnoredVariables));
    diagnostics.extend(summary.unused.into_iter().map(Diagnostic::UnusedVariable));
    diagnostics
}

fn injects_nothing(propagator: &Propagator) -> bool {
    let span = SpanContext::new(1.into(), 1.into(), TraceFlags::SAMPLED, true, TraceState::NONE);
    let mut sent = HeaderMap::new();
    propagator.inject(&Context::new().with_remote_span_context(span), &mut sent);
    sent.is_empty()
}

impl Diagnostic {
    fn log(&self) {
        match self {
            Self::Disabled
            | Self::NoExporter
            | Self::RootsNotSampled(_)
            | Self::IgnoredVariables(_) => {
                tracing::info!("{self}")
            }
            Self::UnusedVariable(unused) if !unused.is_misspelt() => tracing::info!("{self}"),
            _ => tracing::warn!("{self}"),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => {
                f.write_str("telemetry is disabled by OTEL_SDK_DISABLED or by the configuration file: context is propagated, nothing is recorded")
            }
            Self::NoExporter => f.write_str(
                "no exporter is configured: traces are printed on standard output; OTEL_EXPORTER_OTLP_ENDPOINT or \
                 otlp_endpoint(..) sends them to a collector",
            ),
            Self::ExporterNone => {
                f.write_str("OTEL_TRACES_EXPORTER=\"none\": spans are recorded and not exported")
            }
            Self::NoExporterInFile(file) => write!(
                f,
                "{file} has no tracer_provider: spans are recorded and not exported"
            ),
            Self::IgnoredVariables(IgnoredVariables { file, names }) => write!(
                f,
                "{file} configures telemetry, so these variables are ignored: {}",
                names.join(", ")
            ),
            Self::ExporterOverridden(variable) => {
                write!(f, "{variable} sets an exporter, but code has set others: spans are exported only to those")
            }
            Self::RootsNotSampled(sampler) => {
                write!(f, "the sampler is {sampler}: no trace that starts here is recorded")
            }
            Self::NoPropagator => f.write_str(
                "there is no propagator: trace context is neither extracted from requests nor injected into requests to other \
                 services, so every trace ends at this service; check OTEL_PROPAGATORS",
            ),
            Self::SpanLevelTooLow(level) => write!(
                f,
                "span_level({level}) hides `tracing` spans of level INFO, which is the default level; spans of requests are not affected"
            ),
            Self::SpansCompiledOut(level) => write!(
                f,
                "a feature of the crate `tracing` (max_level_… or release_max_level_…) compiles out everything above {level}: \
                 the spans of #[tracing::instrument] are missing, and log lines as well"
            ),
            Self::BuiltBeforeInstall => f.write_str(
                "a middleware or client was built before telemetry was installed and records nothing: call install() first",
            ),
            Self::UnusedVariable(unused) => unused.fmt(f),
            Self::Setting(finding) => finding.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::propagation::CompositePropagator;

    fn valid() -> SetupSummary {
        SetupSummary {
            is_disabled: false,
            exporters: Some(1),
            overridden: None,
            idle_sampler: None,
            span_level: LevelFilter::INFO,
            unused: Vec::new(),
            ignored: None,
            findings: Vec::new(),
        }
    }

    fn found(summary: SetupSummary) -> Vec<Diagnostic> {
        diagnostics(summary, &Propagator::w3c(), false, LevelFilter::TRACE)
    }

    #[test]
    fn a_working_set_up_has_no_diagnostics() {
        assert_eq!(found(valid()), []);
    }

    #[test]
    fn each_cause_has_its_diagnostic() {
        use Diagnostic::*;

        for (summary, diagnostic) in [
            (SetupSummary { is_disabled: true, exporters: None, ..valid() }, Disabled),
            (SetupSummary { exporters: None, ..valid() }, NoExporter),
            (SetupSummary { exporters: Some(0), ..valid() }, ExporterNone),
            (
                SetupSummary { overridden: Some("OTEL_TRACES_EXPORTER"), ..valid() },
                ExporterOverridden("OTEL_TRACES_EXPORTER"),
            ),
            (
                SetupSummary { span_level: LevelFilter::WARN, ..valid() },
                SpanLevelTooLow(LevelFilter::WARN),
            ),
        ] {
            assert_eq!(found(summary), [diagnostic]);
        }
    }

    #[test]
    fn a_sampler_that_starts_no_trace_is_reported() {
        let idle_sampler = Some("AlwaysOff".to_owned());
        let found = found(SetupSummary { idle_sampler, ..valid() });
        assert_eq!(found, [Diagnostic::RootsNotSampled("AlwaysOff".to_owned())]);
    }

    #[test]
    fn causes_outside_of_the_settings_are_found_too() {
        let nothing: Propagator = "none".parse::<CompositePropagator>().unwrap().into();
        let compiled = LevelFilter::ERROR;
        assert_eq!(
            diagnostics(valid(), &nothing, true, compiled),
            [
                Diagnostic::NoPropagator,
                Diagnostic::SpansCompiledOut(compiled),
                Diagnostic::BuiltBeforeInstall
            ]
        );
    }
}
