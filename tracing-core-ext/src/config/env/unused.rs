//! Telemetry variables that are set and not read.

use std::{collections::BTreeSet, fmt};

use super::{Env, is_service_link, words::nearest};

/// Prefixes of variables that are read by other code or by other programs in the same environment.
const OTHERS: [&str; 13] = [
    "OTEL_CPP_",
    "OTEL_DOTNET_",
    "OTEL_GO_",
    "OTEL_INJECTOR_",
    "OTEL_INSTRUMENTATION_",
    "OTEL_JAVA",
    "OTEL_NODE_",
    "OTEL_PHP_",
    "OTEL_POD_",
    "OTEL_PYTHON_",
    "OTEL_RESOURCE_ATTRIBUTES_",
    "OTEL_RUBY_",
    "OTEL_SEMCONV_",
];

/// Prefixes of variables of the OpenTelemetry specification that are not supported.
const UNSUPPORTED: [&str; 8] = [
    "OTEL_ENTITIES",
    "OTEL_EXPERIMENTAL_",
    "OTEL_EXPORTER_OTLP_METRIC_INSECURE",
    "OTEL_EXPORTER_OTLP_SPAN_INSECURE",
    "OTEL_EXPORTER_ZIPKIN_",
    "OTEL_LOG_LEVEL",
    "OTEL_METRICS_EXEMPLAR_FILTER",
    "OTEL_PROFILES_",
];

/// Variable without an effect.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct UnusedVariable {
    name: String,
    cause: Cause,
}

#[derive(Clone, Debug, PartialEq)]
enum Cause {
    Unsupported,
    Misspelt { nearest: &'static str },
    Unknown,
}

impl Env {
    /// Returns the variables that start with `OTEL_` and that were not read until now.
    pub(crate) fn unused(&self) -> Vec<UnusedVariable> {
        let read = self.names_read();
        let is_unused = |name: &String| {
            name.starts_with("OTEL_")
                && !read.contains(name.as_str())
                && !OTHERS.iter().any(|prefix| name.starts_with(prefix))
                && !self.is_of_kubernetes(name)
        };
        let unused = (self.set)().into_iter().filter(is_unused);
        let cause = |name: &str| {
            if UNSUPPORTED.iter().any(|prefix| name.starts_with(prefix)) {
                return Cause::Unsupported;
            }
            let nearest = nearest(name, read.iter().copied());
            nearest.map_or(Cause::Unknown, |nearest| Cause::Misspelt { nearest })
        };
        unused.map(|name| UnusedVariable { cause: cause(&name), name }).collect()
    }

    /// Returns the variables of OpenTelemetry that are set, without these and without those that
    /// other programs read.
    pub(crate) fn opentelemetry_except(&self, used: &BTreeSet<String>) -> Vec<String> {
        let is_ignored = |name: &String| {
            name.starts_with("OTEL_")
                && name != "OTEL_CONFIG_FILE"
                && !used.contains(name)
                && !OTHERS.iter().any(|prefix| name.starts_with(prefix))
                && !self.is_of_kubernetes(name)
        };
        let mut names: Vec<_> = (self.set)().into_iter().filter(is_ignored).collect();
        names.sort();
        names
    }

    /// Whether Kubernetes has set the variable for a service such as `otel`:
    /// `OTEL_PORT_4317_TCP_ADDR` and others.
    fn is_of_kubernetes(&self, name: &str) -> bool {
        let has_link =
            || (self.lookup)(name).is_some_and(|value| value.to_str().is_some_and(is_service_link));
        let parts = ["_SERVICE_HOST", "_SERVICE_PORT", "_TCP_ADDR", "_TCP_PORT", "_TCP_PROTO"];
        let parts_of_udp = ["_UDP_ADDR", "_UDP_PORT", "_UDP_PROTO"];
        parts.iter().chain(&parts_of_udp).any(|part| name.contains(part)) || has_link()
    }
}

impl UnusedVariable {
    /// Whether the variable is probably misspelt.
    pub(crate) fn is_misspelt(&self) -> bool {
        matches!(self.cause, Cause::Misspelt { .. })
    }
}

impl fmt::Display for UnusedVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match self.cause {
            Cause::Unsupported => write!(f, "{name} is set, but it is not supported"),
            Cause::Misspelt { nearest } => {
                write!(f, "{name} is set, but it is not read: did you mean {nearest}?")
            }
            Cause::Unknown => write!(f, "{name} is set, but it is not read"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn unused(set: fn() -> Vec<String>) -> Vec<String> {
        let link = |name: &str| (name == "OTEL_PORT").then(|| OsString::from("tcp://10.0.0.1:1"));
        let variables = Env::from_os_fn(link).with_names(set);
        for name in ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SERVICE_NAME"] {
            variables.text(name).unwrap();
        }
        variables.unused().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn variables_that_are_not_read_are_found() {
        let found = unused(|| {
            ["OTEL_EXPORTER_OTLP_ENDPONT", "OTEL_SERVICE_NAME", "OTEL_PYTHON_ID", "OTEL_A", "PATH"]
                .map(str::to_owned)
                .to_vec()
        });
        assert_eq!(
            found,
            [
                "OTEL_EXPORTER_OTLP_ENDPONT is set, but it is not read: did you mean \
                 OTEL_EXPORTER_OTLP_ENDPOINT?",
                "OTEL_A is set, but it is not read"
            ]
        );
    }

    #[test]
    fn unsupported_variables_of_the_specification_are_not_reported_as_misspelt() {
        let found = unused(|| vec!["OTEL_ENTITIES".to_owned(), "OTEL_LOG_LEVEL".to_owned()]);
        assert_eq!(
            found,
            [
                "OTEL_ENTITIES is set, but it is not supported",
                "OTEL_LOG_LEVEL is set, but it is not supported"
            ]
        );
    }

    #[test]
    fn variables_that_kubernetes_sets_for_a_service_are_not_reported() {
        let found = unused(|| {
            ["OTEL_PORT", "OTEL_PORT_4317_TCP", "OTEL_PORT_4317_TCP_ADDR", "OTEL_SERVICE_HOST"]
                .into_iter()
                .filter(|name| *name != "OTEL_PORT_4317_TCP")
                .map(str::to_owned)
                .collect()
        });
        assert_eq!(found, [""; 0]);
    }
}
