use std::{ffi::OsString, time::Duration};

use super::*;
use crate::exchange::builder::VALUE_LIMIT_VARIABLES;

fn read(variables: &'static [(&str, &str)]) -> Result<EnvConfig, TelemetryError> {
    EnvConfig::read(&Env::from_fn(|name| {
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
    assert_eq!(environment.traces.timeout, None);
    assert!(environment.log_filter.is_none());
    let batch = BatchConfig::new(2048, 512, None);
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
        let latin1 = move |name: &str| (name == variable).then(|| OsString::from_vec(vec![0xe9]));
        let error = EnvConfig::read(&Env::looked_up(latin1)).unwrap_err();
        assert_eq!(error.to_string(), format!("{variable} is not UTF-8: expected text in UTF-8"));
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

fn refusal_of(variable: &'static str, value: &'static str) -> String {
    let lookup = move |name: &str| (name == variable).then(|| value.to_owned());
    EnvConfig::read(&Env::from_fn(lookup)).unwrap_err().to_string()
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
            refusal_of("OTEL_BSP_EXPORT_TIMEOUT", value),
            format!("OTEL_BSP_EXPORT_TIMEOUT={value:?}: {expected}")
        );
    }
}

#[test]
fn a_delay_of_zero_is_the_smallest_one_and_no_other_delay_is_invented() {
    let delay = |value: &str| {
        let value = value.to_owned();
        let lookup = move |name: &str| (name == "OTEL_BSP_SCHEDULE_DELAY").then(|| value.clone());
        EnvConfig::read(&Env::from_fn(lookup)).map(|config| config.batch.delay)
    };
    assert_eq!(delay("0").unwrap(), Some(Duration::from_millis(1)));
    assert_eq!(delay(" 70 ").unwrap(), Some(Duration::from_millis(70)));
    assert_eq!(delay("").unwrap(), None);
    for value in ["-1", "ten", "1.5"] {
        let expected = "expected a whole number of milliseconds, 0 or more";
        let error = delay(value).unwrap_err().to_string();
        assert_eq!(error, format!("OTEL_BSP_SCHEDULE_DELAY={value:?}: {expected}"));
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
        refusal(&[("OTEL_BSP_MAX_QUEUE_SIZE", "10"), ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "11"),]),
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

#[test]
fn how_much_a_span_holds_is_read_for_each_part_and_else_for_all_attributes() {
    let environment = read(&[
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "7"),
        ("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "3"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "2"),
    ]);
    let counts = environment.unwrap().limits.counts;
    assert_eq!((counts.max_attributes_per_span, counts.max_attributes_per_link), (7, 7));
    assert_eq!((counts.max_attributes_per_event, counts.max_events_per_span), (3, 2));
    assert_eq!(counts.max_links_per_span, 128);
    for variable in ["OTEL_SPAN_LINK_COUNT_LIMIT", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT"] {
        assert_eq!(
            refusal_of(variable, "-1"),
            format!("{variable}=\"-1\": expected a whole number")
        );
    }
}

#[test]
fn what_disables_the_sdk_is_true_or_false() {
    let is_disabled = |value| read(value).unwrap().is_disabled;
    assert!(is_disabled(&[("OTEL_SDK_DISABLED", "TRUE")]));
    assert!(!is_disabled(&[("OTEL_SDK_DISABLED", "false")]));
    assert!(!is_disabled(&[("OTEL_SDK_DISABLED", "")]));
    assert_eq!(
        refusal_of("OTEL_SDK_DISABLED", "yes"),
        "OTEL_SDK_DISABLED=\"yes\": expected true or false"
    );
}

#[test]
fn what_is_disabled_does_not_fail_by_what_it_does_not_need() {
    let environment = read(&[
        ("OTEL_SDK_DISABLED", "true"),
        ("OTEL_TRACES_SAMPLER", "odd"),
        ("OTEL_PROPAGATORS", "b3"),
    ]);
    assert!(environment.unwrap().propagator.is_some());
}

#[test]
fn variables_that_nothing_reads_are_found() {
    let set = || {
        let names = ["OTEL_EXPORTER_OTLP_ENPOINT", "OTEL_SERVICE_NAME", "OTEL_PYTHON_ID", "PATH"];
        names.map(str::to_owned).to_vec()
    };
    let variables = Env { set, ..Env::looked_up(|_| None) };
    EnvConfig::read(&variables).unwrap();
    assert_eq!(variables.unused(), ["OTEL_EXPORTER_OTLP_ENPOINT"]);
}
