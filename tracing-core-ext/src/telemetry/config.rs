use std::{env, ffi::OsString, fmt, time::Duration};

use http::HeaderMap;
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

use super::{endpoint::Endpoint, error::TelemetryError, headers::parse_headers, resource};
#[cfg(feature = "prometheus")]
use crate::prometheus::ListenerVariables;
use crate::{
    exchange::VALUE_LIMIT_VARIABLES,
    propagation::{CompositePropagator, CompositePropagatorError, Propagator},
};

/// OpenTelemetry's own notes on its normal course are left out.
const LOG_FILTER: &str = "info,opentelemetry=warn";

/// What the queue may hold at most: the SDK makes room for all of it at once.
const MOST_SPANS: u64 = 1 << 20;

/// How variables are looked up, so that tests need not touch those of the process.
pub(super) struct Variables(Box<Lookup>);

type Lookup = dyn Fn(&str) -> Option<OsString> + Send + Sync;

/// What the environment says, read once and checked.
#[derive(Debug)]
pub(super) struct Environment {
    pub(super) service_name: Option<String>,
    pub(super) service_name_in_resource: Option<String>,
    pub(super) resource_attributes: Vec<(String, String)>,
    pub(super) propagator: Option<Propagator>,
    pub(super) traces: Otlp,
    pub(super) batch: Batch,
    #[cfg_attr(
        not(any(feature = "otlp", feature = "prometheus")),
        allow(dead_code, reason = "nobody reads metrics")
    )]
    pub(super) metrics: MetricsVariables,
    /// In characters.
    pub(super) value_limit: Option<usize>,
    pub(super) log_filter: EnvFilter,
    pub(super) no_color: bool,
}

/// How a signal is exported over OTLP.
#[derive(Debug)]
#[cfg_attr(not(feature = "otlp"), allow(dead_code, reason = "only for OTLP"))]
pub(super) struct Otlp {
    pub(super) endpoint: Option<Endpoint>,
    pub(super) protocol: Option<(&'static str, String)>,
    pub(super) headers: HeaderMap,
    pub(super) timeout: Duration,
}

/// Where metrics go.
#[derive(Debug)]
#[cfg_attr(
    not(all(feature = "otlp", feature = "prometheus")),
    allow(dead_code, reason = "not every feature reads all of them")
)]
pub(super) struct MetricsVariables {
    pub(super) has_prometheus: bool,
    pub(super) has_otlp: bool,
    pub(super) interval: Option<Duration>,
    pub(super) otlp: Otlp,
    #[cfg(feature = "prometheus")]
    pub(super) listener: ListenerVariables,
}

/// What is appended to the URL of a collector.
pub(super) const TRACES_PATH: &str = "/v1/traces";
pub(super) const METRICS_PATH: &str = "/v1/metrics";

/// The variables of a signal, each before the one for all signals.
struct Signal {
    path: &'static str,
    endpoint: &'static str,
    protocol: [&'static str; 2],
    headers: [&'static str; 2],
    timeout: [&'static str; 2],
}

const TRACES: Signal = Signal {
    path: TRACES_PATH,
    endpoint: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    protocol: ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"],
    headers: ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"],
    timeout: ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"],
};

const METRICS: Signal = Signal {
    path: METRICS_PATH,
    endpoint: "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    protocol: ["OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"],
    headers: ["OTEL_EXPORTER_OTLP_METRICS_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"],
    timeout: ["OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"],
};

/// How spans wait for export.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Batch {
    pub(super) queue: usize,
    pub(super) size: usize,
    pub(super) delay: Option<Duration>,
}

impl Environment {
    pub(super) fn read(variables: &Variables) -> Result<Self, TelemetryError> {
        let mut resource_attributes = variables.resource_attributes()?;
        Ok(Self {
            service_name: variables.text("OTEL_SERVICE_NAME")?,
            service_name_in_resource: take_service_name(&mut resource_attributes),
            resource_attributes,
            propagator: variables.propagator()?,
            traces: variables.otlp(&TRACES)?,
            batch: variables.batch()?,
            metrics: variables.metrics()?,
            value_limit: variables.value_limit()?,
            log_filter: variables.log_filter()?,
            no_color: variables.text("NO_COLOR")?.is_some(),
        })
    }
}

impl Variables {
    pub(super) fn of_process() -> Self {
        Self(Box::new(|name| env::var_os(name)))
    }

    pub(super) fn looked_up_by(
        lookup: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self(Box::new(move |name| lookup(name).map(OsString::from)))
    }

    /// "The SDK MUST interpret an empty value of an environment variable the same way as when
    /// the variable is unset": OpenTelemetry environment variable specification.
    fn text(&self, name: &'static str) -> Result<Option<String>, TelemetryError> {
        let value = (self.0)(name).filter(|value| !value.is_empty());
        let text = value.map(OsString::into_string).transpose();
        text.map_err(|_| TelemetryError::not_utf8(name))
    }

    fn resource_attributes(&self) -> Result<Vec<(String, String)>, TelemetryError> {
        self.text("OTEL_RESOURCE_ATTRIBUTES")?
            .map_or(Ok(Vec::new()), |value| resource::parse_attributes(&value))
    }

    fn propagator(&self) -> Result<Option<Propagator>, TelemetryError> {
        const PROPAGATORS: &str = "OTEL_PROPAGATORS";
        let Some(list) = self.text(PROPAGATORS)? else {
            return Ok(None);
        };
        match list.parse::<CompositePropagator>() {
            Ok(composite) => Ok(Some(composite.into())),
            Err(_) => {
                let expected = CompositePropagatorError::EXPECTED;
                Err(TelemetryError::setting(PROPAGATORS, list, expected))
            }
        }
    }

    fn otlp(&self, signal: &Signal) -> Result<Otlp, TelemetryError> {
        Ok(Otlp {
            endpoint: self.endpoint(signal)?,
            protocol: self.first(signal.protocol)?,
            headers: self.headers(signal)?,
            timeout: self.timeout(signal)?,
        })
    }

    fn endpoint(&self, signal: &Signal) -> Result<Option<Endpoint>, TelemetryError> {
        const COLLECTOR: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
        if let Some(value) = self.text(signal.endpoint)? {
            return Endpoint::verbatim(signal.endpoint, value.trim()).map(Some);
        }
        self.text(COLLECTOR)?
            .map(|value| Endpoint::of_collector(COLLECTOR, value.trim(), signal.path))
            .transpose()
    }

    fn headers(&self, signal: &Signal) -> Result<HeaderMap, TelemetryError> {
        let found = self.first(signal.headers)?;
        found.map_or(Ok(HeaderMap::new()), |(name, value)| parse_headers(name, &value))
    }

    fn timeout(&self, signal: &Signal) -> Result<Duration, TelemetryError> {
        let found = self.first(signal.timeout)?;
        let milliseconds =
            found.map_or(Ok(10_000), |(name, value)| positive(name, &value, u64::MAX))?;
        Ok(Duration::from_millis(milliseconds))
    }

    fn metrics(&self) -> Result<MetricsVariables, TelemetryError> {
        let [has_prometheus, has_otlp] = self.metrics_exporters()?;
        Ok(MetricsVariables {
            has_prometheus,
            has_otlp,
            interval: self.milliseconds("OTEL_METRIC_EXPORT_INTERVAL")?,
            otlp: self.otlp(&METRICS)?,
            #[cfg(feature = "prometheus")]
            listener: self.listener()?,
        })
    }

    fn batch(&self) -> Result<Batch, TelemetryError> {
        const SIZE: &str = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE";
        let queue = self.span_count("OTEL_BSP_MAX_QUEUE_SIZE")?.unwrap_or(2048);
        let size = self.span_count(SIZE)?;
        if let Some(size) = size.filter(|size| *size > queue) {
            let expected = format!("at most OTEL_BSP_MAX_QUEUE_SIZE, which is {queue}");
            return Err(TelemetryError::setting(SIZE, size.to_string(), expected));
        }
        Ok(Batch {
            queue,
            size: size.unwrap_or(512).min(queue),
            delay: self.milliseconds("OTEL_BSP_SCHEDULE_DELAY")?,
        })
    }

    /// Whether metrics are served for Prometheus, and whether they are exported over OTLP.
    fn metrics_exporters(&self) -> Result<[bool; 2], TelemetryError> {
        const EXPORTER: &str = "OTEL_METRICS_EXPORTER";
        let Some(list) = self.text(EXPORTER)? else {
            return Ok([false; 2]);
        };
        let mut exporters = [false; 2];
        for name in list.split(',').map(str::trim) {
            match name {
                "prometheus" if cfg!(feature = "prometheus") => exporters[0] = true,
                "otlp" if cfg!(feature = "otlp") => exporters[1] = true,
                "none" if list.trim() == "none" => {}
                _ => return Err(TelemetryError::setting(EXPORTER, list, metrics_exporters())),
            }
        }
        Ok(exporters)
    }

    #[cfg(feature = "prometheus")]
    fn listener(&self) -> Result<ListenerVariables, TelemetryError> {
        const PORT: &str = "OTEL_EXPORTER_PROMETHEUS_PORT";
        let port = self.text(PORT)?.map(|value| {
            let port = value.trim().parse();
            port.map_err(|_| {
                TelemetryError::setting(PORT, value, "a port from 1 to 65535, or 0 for any")
            })
        });
        let host = self.text("OTEL_EXPORTER_PROMETHEUS_HOST")?;
        Ok(ListenerVariables {
            host: host.map(|host| host.trim().to_owned()),
            port: port.transpose()?,
        })
    }

    fn value_limit(&self) -> Result<Option<usize>, TelemetryError> {
        let found = self.first(VALUE_LIMIT_VARIABLES)?;
        let number = found.map(|(name, value)| {
            let number = value.trim().parse();
            number.map_err(|_| TelemetryError::setting(name, value, "a whole number of characters"))
        });
        number.transpose()
    }

    fn log_filter(&self) -> Result<EnvFilter, TelemetryError> {
        let directives = self.text("RUST_LOG")?.unwrap_or_else(|| LOG_FILTER.to_owned());
        EnvFilter::builder()
            .with_default_directive(LevelFilter::INFO.into())
            .parse(&directives)
            .map_err(|_| {
                TelemetryError::setting(
                    "RUST_LOG",
                    directives,
                    "filter directives such as info,my_service=debug",
                )
            })
    }

    fn first(
        &self,
        [first, second]: [&'static str; 2],
    ) -> Result<Option<(&'static str, String)>, TelemetryError> {
        if let Some(value) = self.text(first)? {
            return Ok(Some((first, value)));
        }
        Ok(self.text(second)?.map(|value| (second, value)))
    }

    fn span_count(&self, name: &'static str) -> Result<Option<usize>, TelemetryError> {
        let count = self.text(name)?.map(|value| positive(name, &value, MOST_SPANS)).transpose()?;
        Ok(count.and_then(|count| usize::try_from(count).ok()))
    }

    fn milliseconds(&self, name: &'static str) -> Result<Option<Duration>, TelemetryError> {
        let number = self.text(name)?.map(|value| positive(name, &value, u64::MAX)).transpose()?;
        Ok(number.map(Duration::from_millis))
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Variables(..)")
    }
}

const fn metrics_exporters() -> &'static str {
    match (cfg!(feature = "prometheus"), cfg!(feature = "otlp")) {
        (true, true) => "prometheus, otlp, both separated by a comma, or none",
        (true, false) => "prometheus or none, for the feature `otlp` of tracing-core-ext is off",
        (false, true) => "otlp or none, for the feature `prometheus` of tracing-core-ext is off",
        (false, false) => {
            "none, for the features `otlp` and `prometheus` of tracing-core-ext are off"
        }
    }
}

fn positive(name: &'static str, value: &str, most: u64) -> Result<u64, TelemetryError> {
    let number = value.trim().parse().ok();
    number.filter(|number| (1..=most).contains(number)).ok_or_else(|| {
        let expected = match most {
            u64::MAX => "a whole number greater than 0".to_owned(),
            most => format!("a whole number from 1 to {most}"),
        };
        TelemetryError::setting(name, value, expected)
    })
}

fn take_service_name(attributes: &mut Vec<(String, String)>) -> Option<String> {
    let (names, others) =
        std::mem::take(attributes).into_iter().partition(|(key, _)| key == resource::SERVICE_NAME);
    *attributes = others;
    let names: Vec<(String, String)> = names;
    names.into_iter().next_back().map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &'static [(&str, &str)]) -> Result<Environment, TelemetryError> {
        Environment::read(&Variables::looked_up_by(|name| {
            let found = variables.iter().find(|(key, _)| *key == name)?;
            Some(found.1.to_owned())
        }))
    }

    fn refusal(variables: &'static [(&str, &str)]) -> String {
        read(variables).unwrap_err().to_string()
    }

    #[test]
    fn an_empty_environment_says_nothing() {
        let environment = read(&[]).unwrap();
        assert_eq!(environment.service_name, None);
        assert_eq!(environment.service_name_in_resource, None);
        assert!(environment.propagator.is_none());
        assert_eq!(environment.traces.endpoint, None);
        assert_eq!(environment.traces.timeout, Duration::from_secs(10));
        assert_eq!(environment.log_filter.to_string(), "opentelemetry=warn,info");
        let batch = Batch { queue: 2048, size: 512, delay: None };
        assert_eq!(environment.batch, batch);
    }

    #[test]
    fn an_empty_value_counts_as_unset() {
        let environment = read(&[
            ("OTEL_SERVICE_NAME", ""),
            ("OTEL_RESOURCE_ATTRIBUTES", ""),
            ("OTEL_PROPAGATORS", ""),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", ""),
            ("RUST_LOG", ""),
            ("NO_COLOR", ""),
        ])
        .unwrap();
        assert_eq!(environment.service_name, None);
        assert!(environment.propagator.is_none());
        assert_eq!(environment.traces.endpoint, None);
        assert!(!environment.no_color);
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_utf_8_is_refused() {
        use std::os::unix::ffi::OsStringExt;

        for variable in ["OTEL_SERVICE_NAME", "OTEL_PROPAGATORS", "RUST_LOG"] {
            let latin1 =
                move |name: &str| (name == variable).then(|| OsString::from_vec(vec![0xe9]));
            let error = Environment::read(&Variables(Box::new(latin1))).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("{variable} is not UTF-8: expected text in UTF-8")
            );
        }
    }

    #[test]
    fn the_service_name_leaves_the_resource_attributes() {
        let environment =
            read(&[("OTEL_RESOURCE_ATTRIBUTES", "service.name=first,team=shop,service.name=last")])
                .unwrap();
        assert_eq!(environment.service_name_in_resource.as_deref(), Some("last"));
        assert_eq!(environment.resource_attributes, [("team".to_owned(), "shop".to_owned())]);
    }

    #[test]
    fn the_endpoint_for_traces_beats_the_general_one() {
        let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://general:4318");
        let environment = read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://general:4318")]).unwrap();
        assert_eq!(environment.traces.endpoint.unwrap().url(), format!("{}/v1/traces", general.1));
        let environment = read(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://general:4318"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:1/in"),
        ])
        .unwrap();
        assert_eq!(environment.traces.endpoint.unwrap().url(), "http://traces:1/in");
    }

    #[test]
    fn headers_for_traces_beat_the_general_ones_unless_they_are_empty() {
        let environment = read(&[
            ("OTEL_EXPORTER_OTLP_HEADERS", "for=all"),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "for=traces"),
        ]);
        assert_eq!(environment.unwrap().traces.headers["for"], "traces");
        let environment = read(&[
            ("OTEL_EXPORTER_OTLP_HEADERS", "for=all"),
            ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", ""),
        ]);
        assert_eq!(environment.unwrap().traces.headers["for"], "all");
    }

    #[test]
    fn an_unparsable_endpoint_names_variable_value_and_what_is_allowed() {
        assert_eq!(
            refusal(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318")]),
            "OTEL_EXPORTER_OTLP_ENDPOINT=\"localhost:4318\": expected an absolute http:// or \
             https:// URL such as http://localhost:4318"
        );
    }

    fn refusal_of(variable: &'static str, value: &'static str) -> String {
        let lookup = move |name: &str| (name == variable).then(|| value.to_owned());
        Environment::read(&Variables::looked_up_by(lookup)).unwrap_err().to_string()
    }

    #[test]
    fn a_list_of_propagators_that_is_none_is_refused() {
        for value in [" ", "tracecontext,xray", "b3 baggage", "none,baggage"] {
            assert_eq!(
                refusal_of("OTEL_PROPAGATORS", value),
                format!(
                    "OTEL_PROPAGATORS={value:?}: expected any of tracecontext, baggage, b3, b3multi \
                     and jaeger, separated by commas, or none alone"
                )
            );
        }
    }

    #[test]
    fn a_number_that_is_none_is_refused() {
        for value in ["0", "-1", "ten", "1.5"] {
            let expected = "expected a whole number greater than 0";
            assert_eq!(
                refusal_of("OTEL_BSP_SCHEDULE_DELAY", value),
                format!("OTEL_BSP_SCHEDULE_DELAY={value:?}: {expected}")
            );
        }
    }

    #[test]
    fn a_length_that_is_no_number_is_refused() {
        for variable in VALUE_LIMIT_VARIABLES {
            assert_eq!(
                refusal_of(variable, "long"),
                format!(r#"{variable}="long": expected a whole number of characters"#)
            );
        }
    }

    #[test]
    fn a_queue_or_a_batch_that_no_memory_holds_is_refused() {
        for variable in ["OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"] {
            for value in ["0", "1048577", "18446744073709551615"] {
                let expected = "expected a whole number from 1 to 1048576";
                let error = refusal_of(variable, value);
                assert_eq!(error, format!("{variable}={value:?}: {expected}"));
            }
        }
        let environment = read(&[("OTEL_BSP_MAX_QUEUE_SIZE", "1048576")]).unwrap();
        assert_eq!(environment.batch.queue, 1_048_576);
    }

    #[test]
    fn a_batch_larger_than_the_queue_is_refused() {
        assert_eq!(
            refusal(
                &[("OTEL_BSP_MAX_QUEUE_SIZE", "10"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "11"),]
            ),
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=\"11\": expected at most OTEL_BSP_MAX_QUEUE_SIZE, which is 10"
        );
    }

    #[test]
    fn a_log_filter_that_does_not_parse_is_refused() {
        assert_eq!(
            refusal(&[("RUST_LOG", "shop=loud")]),
            "RUST_LOG=\"shop=loud\": expected filter directives such as info,my_service=debug"
        );
    }
}
