//! `OTEL_TRACES_EXPORTER` and `OTEL_TRACES_SAMPLER`.

pub(crate) mod limits;
pub(crate) mod rules;

use super::env::{Env, exporters::SelectedExporter, findings::Findings, words::Words};
use crate::{base::error::TelemetryError, trace::Sampler};

const EXPORTER: &str = "OTEL_TRACES_EXPORTER";
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const RATIO: &str = "OTEL_TRACES_SAMPLER_ARG";

/// Exporter in `OTEL_TRACES_EXPORTER`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum TracesExporter {
    Console,
    ConsoleJson,
    Otlp,
    Jaeger,
}

impl TracesExporter {
    /// Returns the name of the exporter.
    pub(crate) fn as_str(self) -> &'static str {
        EXPORTERS.name(Some(self))
    }
}

const EXPORTERS: Words<Option<TracesExporter>> = Words {
    known: &[
        ("otlp", Some(TracesExporter::Otlp)),
        ("jaeger", Some(TracesExporter::Jaeger)),
        ("console", Some(TracesExporter::Console)),
        ("console-json", Some(TracesExporter::ConsoleJson)),
        ("none", None),
    ],
    unsupported: &["logging", "otlp/stdout", "zipkin"],
};

/// Sampler in `OTEL_TRACES_SAMPLER`.
#[derive(Clone, Copy)]
enum SamplerName {
    AlwaysOn,
    AlwaysOff,
    TraceIdRatio,
}

const SAMPLERS: Words<(SamplerName, bool)> = {
    use SamplerName::{AlwaysOff, AlwaysOn, TraceIdRatio};

    Words {
        known: &[
            ("always_on", (AlwaysOn, false)),
            ("always_off", (AlwaysOff, false)),
            ("traceidratio", (TraceIdRatio, false)),
            ("parentbased_always_on", (AlwaysOn, true)),
            ("parentbased_always_off", (AlwaysOff, true)),
            ("parentbased_traceidratio", (TraceIdRatio, true)),
        ],
        unsupported: &["jaeger_remote", "parentbased_jaeger_remote", "xray"],
    }
};

/// Values of the variables of a sampler.
#[derive(Clone, Debug)]
pub(crate) struct SamplerTexts {
    pub(crate) sampler: String,
    pub(crate) argument: Option<String>,
    pub(crate) rules: Option<String>,
}

impl Env {
    /// Reads the exporters. Returns `None` if the variable is not set, and an empty list if it is
    /// `none`.
    pub(super) fn traces_exporters(
        &self,
    ) -> Result<Option<Vec<SelectedExporter<TracesExporter>>>, TelemetryError> {
        self.selected_exporters(EXPORTER, &EXPORTERS)
    }

    /// Reads a sampler: OpenTelemetry environment variable specification, "General SDK Configuration".
    pub(super) fn sampler(&self) -> Result<Option<Sampler>, TelemetryError> {
        let Some((name, is_parent_based)) = self.choice([SAMPLER], &SAMPLERS)? else {
            return Ok(None);
        };
        let sampler = match name {
            SamplerName::AlwaysOn => Sampler::always_on(),
            SamplerName::AlwaysOff => Sampler::always_off(),
            SamplerName::TraceIdRatio => Sampler::trace_id_ratio(self.ratio()?),
        };
        Ok(Some(if is_parent_based { Sampler::parent_based(sampler) } else { sampler }))
    }

    /// Returns the sampler and the rules before it, from the texts that the variables have. Every text must be valid.
    pub(crate) fn sampler_of(texts: SamplerTexts) -> Result<Sampler, TelemetryError> {
        let variables = Self::from_fn(move |name| match name {
            SAMPLER => Some(texts.sampler.clone()),
            RATIO => texts.argument.clone(),
            rules::RULES => texts.rules.clone(),
            _ => None,
        });
        let variables = variables.with_findings(Findings::strict(true));
        let sampler = variables.sampler()?.ok_or_else(|| {
            let expected = "a sampler such as parentbased_traceidratio";
            TelemetryError::setting(SAMPLER, "", expected)
        })?;
        variables.sampling_rules()?.before(sampler)
    }

    /// Reads the ratio, 1 by default. An invalid one "MUST be logged and MUST be otherwise
    /// ignored".
    fn ratio(&self) -> Result<f64, TelemetryError> {
        let ratio = self.first_valid([RATIO], |name, value| {
            let ratio = value.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
            let expected = "a ratio from 0 to 1, such as 0.25";
            ratio.ok_or_else(|| TelemetryError::setting(name, value, expected))
        })?;
        Ok(ratio.unwrap_or(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(set: &[(&'static str, &'static str)]) -> Env {
        let set = set.to_vec();
        Env::from_fn(move |name| {
            let found = set.iter().find(|(key, _)| *key == name)?;
            Some(found.1.to_owned())
        })
    }

    fn warnings(variables: &Env) -> Vec<String> {
        variables.findings.take().iter().map(ToString::to_string).collect()
    }

    fn exporters(variables: &Env) -> Option<Vec<TracesExporter>> {
        let exports = variables.traces_exporters().unwrap()?;
        Some(exports.into_iter().map(|export| export.exporter).collect())
    }

    #[test]
    fn exporters_are_a_list_or_only_none() {
        use TracesExporter::{Console, Jaeger, Otlp};

        for (list, expected) in [
            ("", None),
            (" none ", Some(vec![])),
            ("otlp", Some(vec![Otlp])),
            ("OTLP", Some(vec![Otlp])),
            ("console, otlp,console", Some(vec![Console, Otlp])),
            ("jaeger,console,", Some(vec![Jaeger, Console])),
        ] {
            let variables = variables(&[(EXPORTER, list)]);
            assert_eq!(exporters(&variables), expected, "{list:?}");
            assert_eq!(warnings(&variables), [""; 0]);
        }
    }

    #[test]
    fn an_unknown_exporter_is_ignored_with_a_warning() {
        use TracesExporter::Otlp;

        let expected = "expected otlp, jaeger, console, console-json or none";
        for (list, name, hint, exporters) in [
            ("zipkin", "zipkin", "; zipkin is not supported", None),
            ("otlp,otlpp", "otlpp", "; did you mean otlp?", Some(vec![Otlp])),
            ("Consol", "Consol", "; did you mean console?", None),
        ] {
            let variables = variables(&[(EXPORTER, list)]);
            assert_eq!(self::exporters(&variables), exporters, "{list}");
            let error = format!("{EXPORTER}={name:?}: {expected}{hint}");
            assert_eq!(warnings(&variables), [format!("{error}; it is ignored")]);
            let strict = variables.with_findings(Findings::strict(true));
            assert_eq!(strict.traces_exporters().unwrap_err().to_string(), error);
        }
    }

    #[test]
    fn every_local_sampler_of_the_specification_is_supported() {
        for (name, ratio, expected) in [
            ("", "", "None"),
            ("always_on", "", "Some(AlwaysOn)"),
            ("Always_Off", "", "Some(AlwaysOff)"),
            ("traceidratio", "0.25", "Some(TraceIdRatioBased(0.25))"),
            ("traceidratio", "", "Some(AlwaysOn)"),
            ("parentbased_always_on", "", "Some(ParentBased(AlwaysOn))"),
            ("parentbased_always_off", "", "Some(ParentBased(AlwaysOff))"),
            (" parentbased_traceidratio ", " 0 ", "Some(ParentBased(AlwaysOff))"),
        ] {
            let variables = variables(&[(SAMPLER, name), (RATIO, ratio)]);
            assert_eq!(format!("{:?}", variables.sampler().unwrap()), expected, "{name}");
            assert_eq!(warnings(&variables), [""; 0]);
        }
    }

    #[test]
    fn an_unknown_sampler_is_ignored_with_a_warning() {
        for (name, hint) in [
            ("jaeger_remote", "; jaeger_remote is not supported"),
            ("xray", "; xray is not supported"),
            ("ALWAYS-ON", "; did you mean always_on?"),
            ("parentbased_parentbased_always_on", ""),
            ("parentbased_", ""),
        ] {
            let variables = variables(&[(SAMPLER, name)]);
            assert!(variables.sampler().unwrap().is_none(), "{name}");
            let expected = "expected always_on, always_off, traceidratio, parentbased_always_on, \
                            parentbased_always_off or parentbased_traceidratio";
            let error = format!("{SAMPLER}={name:?}: {expected}{hint}");
            assert_eq!(warnings(&variables), [format!("{error}; it is ignored")]);
        }
    }

    #[test]
    fn an_invalid_ratio_is_ignored_with_a_warning() {
        for ratio in ["2", "-0.1", "half", "NaN", "10%"] {
            let variables = variables(&[(SAMPLER, "traceidratio"), (RATIO, ratio)]);
            assert_eq!(format!("{:?}", variables.sampler().unwrap()), "Some(AlwaysOn)");
            let expected = "expected a ratio from 0 to 1, such as 0.25; it is ignored";
            assert_eq!(warnings(&variables), [format!("{RATIO}={ratio:?}: {expected}")]);
        }
    }

    #[test]
    fn a_ratio_without_a_sampler_that_uses_it_is_not_read() {
        for name in ["", "always_on", "parentbased_always_off"] {
            let variables = variables(&[(SAMPLER, name), (RATIO, "0.5")]);
            let variables = variables.with_names(|| vec![RATIO.to_owned()]);
            assert!(variables.sampler().is_ok(), "{name}");
            let unused: Vec<_> = variables.unused().iter().map(ToString::to_string).collect();
            assert_eq!(unused, [format!("{RATIO} is set, but it is not read")], "{name}");
        }
    }
}
