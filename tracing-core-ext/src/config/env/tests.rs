use std::{ffi::OsString, time::Duration};

use crate::{config::*, trace::value_limit::VALUE_LIMIT_VARIABLES};

type Set = &'static [(&'static str, &'static str)];

fn variables(set: Set) -> Env {
    Env::from_fn(|name| {
        let found = set.iter().find(|(key, _)| *key == name)?;
        Some(found.1.to_owned())
    })
}

fn read(set: Set) -> Config {
    Config::read(&variables(set)).unwrap()
}

fn warnings(config: &Config) -> Vec<String> {
    config.findings.take().iter().map(ToString::to_string).collect()
}

/// Checks that a value is ignored with a warning, and that it is an error under `strict`.
fn assert_ignored(variable: &'static str, value: &'static str, expected: &str) -> Config {
    let lookup = move |name: &str| (name == variable).then(|| value.to_owned());
    let error = format!("{variable}={value:?}: expected {expected}");
    let strict = Env::from_fn(lookup).with_findings(Findings::strict(true));
    assert_eq!(Config::read(&strict).unwrap_err().to_string(), error);
    let config = Config::read(&Env::from_fn(lookup)).unwrap();
    assert_eq!(warnings(&config), [format!("{error}; it is ignored")]);
    config
}

#[test]
fn an_empty_environment_has_the_defaults() {
    let config = read(&[]);
    assert!(!config.is_disabled);
    assert_eq!(config.resource.service_name, None);
    assert_eq!(config.resource.service_name_attribute, None);
    assert_eq!(format!("{:?}", config.propagator), format!("{:?}", Propagator::w3c()));
    assert_eq!(config.exporters, None);
    assert_eq!(format!("{:?}", config.sampler), "ParentBased(AlwaysOn)");
    assert_eq!(config.otlp.endpoint, None);
    assert_eq!(config.otlp.timeout, Duration::from_secs(10));
    assert_eq!(config.jaeger.timeout, Duration::from_secs(10));
    assert_eq!(config.jaeger.named(), None);
    assert!(config.metrics.exporters.is_empty());
    assert_eq!(config.metrics.interval, Duration::from_secs(60));
    assert_eq!(config.metrics.timeout, Duration::from_secs(30));
    assert_eq!((&*config.metrics.listener.host, config.metrics.listener.port), ("127.0.0.1", 9464));
    assert!(config.log_filter.is_none());
    assert_eq!(config.batch, BatchConfig::new(2048, 512, None));
    assert_eq!(warnings(&config), [""; 0]);
}

#[test]
fn an_empty_value_counts_as_unset() {
    let config = read(&[
        ("OTEL_SERVICE_NAME", ""),
        ("OTEL_RESOURCE_ATTRIBUTES", ""),
        ("OTEL_PROPAGATORS", ""),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", ""),
        ("RUST_LOG", ""),
        ("NO_COLOR", ""),
    ]);
    assert_eq!(config.resource.service_name, None);
    assert_eq!(config.otlp.endpoint, None);
    assert!(!config.no_color);
    assert_eq!(warnings(&config), [""; 0]);
}

#[test]
fn no_color_with_any_value_and_a_dumb_terminal_disable_colours() {
    for (set, no_color) in [
        (&[][..], false),
        (&[("TERM", "xterm")], false),
        (&[("NO_COLOR", ""), ("TERM", "xterm")], false),
        (&[("NO_COLOR", "1"), ("TERM", "xterm")], true),
        (&[("NO_COLOR", "0")], true),
        (&[("TERM", "dumb")], true),
    ] {
        assert_eq!(read(set).no_color, no_color, "{set:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_value_that_is_not_utf_8_is_ignored() {
    use std::os::unix::ffi::OsStringExt;

    for variable in ["OTEL_SERVICE_NAME", "OTEL_PROPAGATORS", "RUST_LOG"] {
        let latin1 = move |name: &str| (name == variable).then(|| OsString::from_vec(vec![0xe9]));
        let config = Config::read(&Env::from_os_fn(latin1)).unwrap();
        let expected = "is not UTF-8: expected text in UTF-8; it is ignored";
        assert_eq!(warnings(&config), [format!("{variable} {expected}")]);
    }
}

#[test]
fn quotes_of_an_env_file_are_removed_with_a_warning_that_does_not_show_the_value() {
    let config = read(&[
        ("OTEL_SERVICE_NAME", "\"check out\""),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "'http://collector:4318'"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "\"key=secret\""),
        ("OTEL_TRACES_SAMPLER", "\"\""),
    ]);
    assert_eq!(config.resource.service_name.as_deref(), Some("check out"));
    assert_eq!(config.otlp.endpoint.as_ref().unwrap().1.as_str(), "http://collector:4318");
    assert_eq!(config.otlp.headers["key"], "secret");
    assert_eq!(format!("{:?}", config.sampler), "ParentBased(AlwaysOn)");
    let warnings = warnings(&config);
    assert_eq!(warnings.len(), 4, "{warnings:?}");
    let end = "=\"\\\"***\\\"\": expected a value without quotes; the quotes are removed";
    assert!(warnings.contains(&format!("OTEL_EXPORTER_OTLP_HEADERS{end}")), "{warnings:?}");
}

#[test]
fn the_variable_of_a_signal_comes_before_the_general_one_unless_it_is_empty_or_ignored() {
    const GENERAL: (&str, &str) = ("OTEL_EXPORTER_OTLP_TIMEOUT", "7");
    for (set, timeout) in [
        (&[GENERAL, ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "5")], 5),
        (&[GENERAL, ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "")], 7),
        (&[GENERAL, ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "soon")], 7),
    ] {
        assert_eq!(read(set).otlp.timeout, Duration::from_millis(timeout), "{set:?}");
    }
}

#[test]
fn a_time_limit_of_zero_means_no_limit() {
    let config = read(&[
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
        ("OTEL_EXPORTER_JAEGER_TIMEOUT", "0"),
        ("OTEL_BSP_EXPORT_TIMEOUT", " 0 "),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "0"),
    ]);
    assert_eq!(warnings(&config), [""; 0]);
    let years = Duration::from_secs(100 * 365 * 24 * 3600);
    for timeout in [
        config.otlp.timeout,
        config.jaeger.timeout,
        config.batch.export_timeout,
        config.metrics.timeout,
    ] {
        assert!(timeout > years, "{timeout:?}");
        assert!(std::time::Instant::now().checked_add(timeout).is_some());
    }
}

#[test]
fn an_invalid_number_is_ignored() {
    for value in ["-1", "ten", "1.5", "10s", "18446744073709551616"] {
        let expected = "a whole number of milliseconds, 0 or more";
        let config = assert_ignored("OTEL_BSP_EXPORT_TIMEOUT", value, expected);
        assert_eq!(config.batch, BatchConfig::default());
    }
    assert_ignored("OTEL_METRIC_EXPORT_INTERVAL", "0", "a whole number of milliseconds, 1 or more");
    for variable in VALUE_LIMIT_VARIABLES {
        assert_ignored(variable, "long", "a whole number of characters");
    }
    for variable in ["OTEL_SPAN_LINK_COUNT_LIMIT", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"] {
        assert_ignored(variable, "-1", "a whole number");
    }
}

#[test]
fn a_delay_of_zero_is_the_smallest_one() {
    let delay = |set| read(set).batch.delay;
    assert_eq!(delay(&[("OTEL_BSP_SCHEDULE_DELAY", "0")]), Some(Duration::from_millis(1)));
    assert_eq!(delay(&[("OTEL_BSP_SCHEDULE_DELAY", " 70 ")]), Some(Duration::from_millis(70)));
    assert_eq!(delay(&[("OTEL_BSP_SCHEDULE_DELAY", "")]), None);
}

#[test]
fn a_queue_or_a_batch_above_the_limit_is_ignored() {
    for variable in ["OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE"] {
        for value in ["0", "1048577", "18446744073709551615"] {
            let config = assert_ignored(variable, value, "a whole number from 1 to 1048576");
            assert_eq!(config.batch, BatchConfig::default());
        }
    }
    assert_eq!(read(&[("OTEL_BSP_MAX_QUEUE_SIZE", "1048576")]).batch.queue, 1_048_576);
}

#[test]
fn a_batch_larger_than_the_queue_is_ignored() {
    let config =
        read(&[("OTEL_BSP_MAX_QUEUE_SIZE", "10"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "11")]);
    assert_eq!((config.batch.queue, config.batch.size), (10, 10));
    let expected = "expected at most OTEL_BSP_MAX_QUEUE_SIZE, which is 10; it is ignored";
    assert_eq!(warnings(&config), [format!("OTEL_BSP_MAX_EXPORT_BATCH_SIZE=\"11\": {expected}")]);
}

#[test]
fn an_invalid_directive_is_ignored_and_the_others_are_used() {
    let config = read(&[("RUST_LOG", "warn,shop=loud,stock=debug")]);
    let expected = read(&[("RUST_LOG", "warn,stock=debug")]).log_filter;
    assert_eq!(format!("{:?}", config.log_filter), format!("{expected:?}"));
    let directives = "expected filter directives such as info,my_service=debug; it is ignored";
    assert_eq!(warnings(&config), [format!("RUST_LOG=\"shop=loud\": {directives}")]);
    assert!(read(&[("RUST_LOG", "shop=loud")]).log_filter.is_none());
}

#[test]
fn limits_of_a_span_are_read_for_each_part_or_else_for_all_attributes() {
    let config = read(&[
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "7"),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "3"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "2"),
    ]);
    let counts = config.limits.counts;
    assert_eq!((counts.max_attributes_per_span, counts.max_attributes_per_link), (7, 7));
    assert_eq!((counts.max_attributes_per_event, counts.max_events_per_span), (3, 2));
    assert_eq!(counts.max_links_per_span, 128);
}

#[test]
fn only_true_in_any_case_is_true() {
    let is_disabled = |set| read(set).is_disabled;
    assert!(is_disabled(&[("OTEL_SDK_DISABLED", "TRUE")]));
    assert!(!is_disabled(&[("OTEL_SDK_DISABLED", "false")]));
    assert!(!is_disabled(&[("OTEL_SDK_DISABLED", "")]));
    for value in ["yes", "1"] {
        assert!(!assert_ignored("OTEL_SDK_DISABLED", value, "true or false").is_disabled);
    }
}

#[test]
fn a_disabled_sdk_reads_only_the_variables_it_uses() {
    let config = read(&[
        ("OTEL_SDK_DISABLED", "true"),
        ("OTEL_TRACES_SAMPLER", "odd"),
        ("OTEL_PROPAGATORS", "b3"),
    ]);
    assert!(format!("{:?}", config.propagator).contains("B3"), "{:?}", config.propagator);
    assert_eq!(warnings(&config), [""; 0]);
}

#[test]
fn service_links_of_kubernetes_are_not_settings() {
    let config = read(&[
        ("OTEL_EXPORTER_PROMETHEUS_PORT", "tcp://10.0.0.1:9464"),
        ("OTEL_EXPORTER_JAEGER_AGENT_PORT", "udp://10.0.0.1:6831"),
    ]);
    assert_eq!(config.metrics.listener.port, 9464);
    assert_eq!(config.jaeger.agent_port, None);
    assert_eq!(warnings(&config), [""; 0]);
    assert_ignored("OTEL_EXPORTER_PROMETHEUS_PORT", "http", "a port from 1 to 65535, or 0 for any");
    assert_ignored(
        "OTEL_EXPORTER_PROMETHEUS_PORT",
        "65536",
        "a port from 1 to 65535, or 0 for any",
    );
}

#[test]
fn unknown_words_are_ignored() {
    let protocols = "grpc, http/protobuf or http/json";
    let histograms = "explicit_bucket_histogram or base2_exponential_bucket_histogram";
    for (variable, value, expected) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "thrift", protocols),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "gzip or none"),
        ("OTEL_EXPORTER_OTLP_INSECURE", "yes", "true or false"),
        (
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "steady",
            "cumulative, delta or lowmemory",
        ),
        ("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "linear", histograms),
        ("OTEL_METRICS_EXPORTER", "statsd", "prometheus, otlp or none"),
        ("OTEL_EXPORTER_JAEGER_PROTOCOL", "kafka", "udp/thrift.compact or http/thrift.binary"),
    ] {
        // One warning, although a general variable is read for two signals.
        assert_ignored(variable, value, expected);
    }
    let hint = format!("{protocols}; did you mean http/json?");
    assert_ignored("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "HTTP-JSON", &hint);
    let hint = "prometheus, otlp or none; console is not supported";
    assert_ignored("OTEL_METRICS_EXPORTER", "console", hint);
}

#[test]
fn a_user_of_jaeger_without_a_password_is_ignored_and_secrets_are_not_shown() {
    assert_eq!(
        warnings(&read(&[("OTEL_EXPORTER_JAEGER_PASSWORD", "secret")])),
        ["OTEL_EXPORTER_JAEGER_PASSWORD=\"***\": expected OTEL_EXPORTER_JAEGER_USER beside it; \
          it is ignored"]
    );
    let config = read(&[
        ("OTEL_EXPORTER_JAEGER_USER", "me"),
        ("OTEL_EXPORTER_JAEGER_PASSWORD", "secret"),
        ("OTEL_EXPORTER_JAEGER_ENDPOINT", "http://localhost/api/traces?key=secret"),
    ]);
    assert!(config.jaeger.credentials.is_some());
    assert!(!format!("{config:?}").contains("secret"), "{config:?}");
}
