use super::env::Env;
use crate::{base::error::TelemetryError, trace::Sampler};

const EXPORTER: &str = "OTEL_TRACES_EXPORTER";
const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
const RATIO: &str = "OTEL_TRACES_SAMPLER_ARG";

const SAMPLERS: &str = "always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or \
                        parentbased_traceidratio";

/// An exporter that `OTEL_TRACES_EXPORTER` names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum TracesExporter {
    Console,
    ConsoleJson,
    #[cfg(feature = "otlp")]
    Otlp,
    #[cfg(feature = "jaeger")]
    Jaeger,
}

impl Env {
    /// None where the variable is not set; no exporter where it says `none`.
    pub(super) fn traces_exporters(&self) -> Result<Option<Vec<TracesExporter>>, TelemetryError> {
        let Some(list) = self.text(EXPORTER)? else {
            return Ok(None);
        };
        if list.trim() == "none" {
            return Ok(Some(Vec::new()));
        }
        let mut exporters = Vec::new();
        for name in list.split(',').map(str::trim) {
            let exporter = TracesExporter::parse(name);
            let exporter = exporter
                .ok_or_else(|| TelemetryError::setting(EXPORTER, &*list, TracesExporter::NAMES))?;
            if !exporters.contains(&exporter) {
                exporters.push(exporter);
            }
        }
        Ok(Some(exporters))
    }

    /// OpenTelemetry environment variable specification, "General SDK Configuration".
    pub(super) fn sampler(&self) -> Result<Option<Sampler>, TelemetryError> {
        let name = self.text(SAMPLER)?;
        let Some(sampler) = self.root_sampler(name.as_deref())? else {
            return Ok(None);
        };
        let is_parent_based = name.is_some_and(|name| name.trim().starts_with("parentbased_"));
        Ok(Some(match is_parent_based {
            true => Sampler::parent_based(sampler),
            false => sampler,
        }))
    }

    fn root_sampler(&self, name: Option<&str>) -> Result<Option<Sampler>, TelemetryError> {
        Ok(Some(match name.map(|name| name.trim().trim_start_matches("parentbased_")) {
            None => return Ok(None),
            Some("always_on") => Sampler::always_on(),
            Some("always_off") => Sampler::always_off(),
            Some("traceidratio") => Sampler::trace_id_ratio(parse_ratio(self.text(RATIO)?)?),
            Some(_) => {
                return Err(TelemetryError::setting(SAMPLER, name.unwrap_or_default(), SAMPLERS));
            }
        }))
    }
}

/// All of them where no ratio is given, as the specification has it.
fn parse_ratio(text: Option<String>) -> Result<f64, TelemetryError> {
    let Some(text) = text else { return Ok(1.0) };
    let ratio = text.trim().parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| TelemetryError::setting(RATIO, text, "a ratio from 0 to 1, such as 0.25"))
}

impl TracesExporter {
    const NAMES: &str = match (cfg!(feature = "otlp"), cfg!(feature = "jaeger")) {
        (true, true) => {
            "any of otlp, jaeger, console and console-json, separated by commas, or none alone"
        }
        (true, false) => {
            "any of otlp, console and console-json, separated by commas, or none alone; jaeger \
             needs the feature `jaeger` of tracing-core-ext"
        }
        (false, true) => {
            "any of jaeger, console and console-json, separated by commas, or none alone; otlp \
             needs the feature `otlp` of tracing-core-ext"
        }
        (false, false) => {
            "console, console-json or none, for the features `otlp` and `jaeger` of \
             tracing-core-ext are off"
        }
    };

    fn parse(name: &str) -> Option<Self> {
        match name {
            "console" => Some(Self::Console),
            "console-json" => Some(Self::ConsoleJson),
            #[cfg(feature = "otlp")]
            "otlp" => Some(Self::Otlp),
            #[cfg(feature = "jaeger")]
            "jaeger" => Some(Self::Jaeger),
            _ => None,
        }
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

    fn exporters(list: &'static str) -> Result<Option<Vec<TracesExporter>>, TelemetryError> {
        variables(&[(EXPORTER, list)]).traces_exporters()
    }

    #[cfg(feature = "otlp")]
    #[test]
    fn exporters_are_a_list_or_none_alone() {
        use TracesExporter::{Console, Otlp};

        assert_eq!(exporters("").unwrap(), None);
        assert_eq!(exporters(" none ").unwrap(), Some(Vec::new()));
        assert_eq!(exporters("otlp").unwrap(), Some(vec![Otlp]));
        assert_eq!(exporters("console, otlp,console").unwrap(), Some(vec![Console, Otlp]));
    }

    #[cfg(feature = "jaeger")]
    #[test]
    fn jaeger_is_one_of_them() {
        use TracesExporter::{Console, Jaeger};

        assert_eq!(exporters("jaeger,console").unwrap(), Some(vec![Jaeger, Console]));
    }

    #[test]
    fn an_exporter_that_is_not_known_is_refused_with_the_list_of_those_that_are() {
        for list in ["zipkin", "otlp,none", "console,", "Console"] {
            assert_eq!(
                exporters(list).unwrap_err().to_string(),
                format!("OTEL_TRACES_EXPORTER={list:?}: expected {}", TracesExporter::NAMES)
            );
        }
    }

    fn sampler(name: &'static str, ratio: &'static str) -> Result<String, String> {
        let sampler = variables(&[(SAMPLER, name), (RATIO, ratio)]).sampler();
        sampler.map(|found| format!("{found:?}")).map_err(|error| error.to_string())
    }

    #[test]
    fn every_sampler_of_the_specification_is_known_that_needs_no_service() {
        for (name, ratio, expected) in [
            ("", "", "None"),
            ("always_on", "", "Some(AlwaysOn)"),
            ("always_off", "", "Some(AlwaysOff)"),
            ("traceidratio", "0.25", "Some(TraceIdRatioBased(0.25))"),
            ("traceidratio", "", "Some(AlwaysOn)"),
            ("parentbased_always_on", "", "Some(ParentBased(AlwaysOn))"),
            ("parentbased_always_off", "", "Some(ParentBased(AlwaysOff))"),
            (" parentbased_traceidratio ", " 0 ", "Some(ParentBased(AlwaysOff))"),
        ] {
            assert_eq!(sampler(name, ratio).as_deref(), Ok(expected), "{name}");
        }
    }

    #[test]
    fn a_sampler_that_is_not_known_is_refused() {
        for name in ["jaeger_remote", "xray", "parentbased_", "ALWAYS_ON", "parentbased"] {
            assert_eq!(
                sampler(name, "").unwrap_err(),
                format!("OTEL_TRACES_SAMPLER={name:?}: expected {SAMPLERS}")
            );
        }
    }

    #[test]
    fn a_ratio_that_is_none_is_refused() {
        for ratio in ["2", "-0.1", "half", "NaN"] {
            assert_eq!(
                sampler("traceidratio", ratio).unwrap_err(),
                format!(
                    "OTEL_TRACES_SAMPLER_ARG={ratio:?}: expected a ratio from 0 to 1, such as 0.25"
                )
            );
        }
    }

    #[test]
    fn a_ratio_that_no_sampler_asks_for_is_read_by_nothing() {
        for name in ["", "always_on", "parentbased_always_off"] {
            let variables = variables(&[(SAMPLER, name), (RATIO, "0.5")]);
            let variables = Env { set: || vec![RATIO.to_owned()], ..variables };
            assert!(variables.sampler().is_ok(), "{name}");
            assert_eq!(variables.unused(), [RATIO], "{name}");
        }
    }
}
