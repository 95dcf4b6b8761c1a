mod samplers;
mod signals;

use std::{fs, time::Duration};

use opentelemetry::{KeyValue, Value};

use super::*;
use crate::config::{
    batch::BatchConfig,
    env::findings::Findings,
    otlp::protocol::{Compression, Protocol},
    traces::TracesExporter,
};

fn read_with(
    text: &str,
    set: &'static [(&str, &str)],
    is_strict: bool,
) -> Result<Config, TelemetryError> {
    let variables = Env::from_fn(|name| {
        let found = set.iter().find(|(key, _)| *key == name)?;
        Some(found.1.to_owned())
    });
    let variables = variables.with_findings(Findings::strict(is_strict));
    let document = Document::parse("otel.yaml".to_owned(), text, &variables)?;
    Config::from_document(&document, &variables)
}

/// Reads a file after its first line, which has the version of the format.
fn read(text: &str) -> Config {
    read_with(&format!("file_format: \"1.1\"\n{text}"), &[], false).unwrap()
}

fn error(text: &str) -> String {
    let text = format!("file_format: \"1.1\"\n{text}");
    read_with(&text, &[], false).unwrap_err().to_string()
}

fn warnings(config: &Config) -> Vec<String> {
    config.findings.take().iter().map(ToString::to_string).collect()
}

/// Checks that the file is read with one warning, which is an error under `strict`.
fn assert_warned(text: &str, expected: &str) {
    let config = read(text);
    assert_eq!(warnings(&config), [format!("{expected}; it is ignored")], "{text}");
    let strict = read_with(&format!("file_format: \"1.1\"\n{text}"), &[], true);
    assert_eq!(strict.unwrap_err().to_string(), expected);
}

#[test]
fn characters_that_control_a_terminal_are_escaped_in_messages() {
    assert_eq!(
        error("disabled: !%1b%5B2J x\n"),
        "otel.yaml:2:11: the tag !\\u{1b}[2J: expected none",
    );
}

#[test]
fn a_propagator_of_a_variable_is_not_shown() {
    let text = "file_format: \"1.1\"\npropagator:\n  composite_list: b3,${LIST}\n";
    let error = read_with(text, &[("LIST", "secret")], false).unwrap_err();
    assert_eq!(
        error.to_string(),
        "otel.yaml:3:19: propagator.composite_list=\"b3,${LIST}\": expected tracecontext, baggage, \
         b3, b3multi or jaeger",
    );
}

#[test]
fn a_file_with_a_version_only_exports_nothing_and_has_the_defaults() {
    let config = read("");
    assert!(!config.is_disabled);
    assert_eq!(config.exporters, Some(vec![]));
    assert!(config.metrics.exporters.is_empty());
    assert_eq!(format!("{:?}", config.sampler), "ParentBased(AlwaysOn)");
    assert_eq!(config.batch, BatchConfig::default());
    let detection = config.resource.detection.as_ref().unwrap();
    assert_eq!(detection.detectors, crate::telemetry::ResourceDetectors::none());
    assert_eq!(format!("{:?}", config.propagator), format!("{:?}", composite("none")));
    assert_eq!(warnings(&config), [""; 0]);
}

fn composite(list: &str) -> crate::propagation::Propagator {
    list.parse::<crate::propagation::CompositePropagator>().unwrap().into()
}

#[test]
fn other_versions_of_the_format_are_refused() {
    for version in ["\"1.0\"", "1.0", "'1.17'"] {
        assert!(read_with(&format!("file_format: {version}"), &[], true).is_ok(), "{version}");
    }
    for version in ["\"0.4\"", "2.0", "\"1\"", "\"1.\"", "\"1.0-rc.2\"", "[1]"] {
        let error = read_with(&format!("file_format: {version}"), &[], false).unwrap_err();
        let error = error.to_string();
        assert!(error.starts_with("otel.yaml:1:14: file_format="), "{error}");
        assert!(
            error.ends_with(": expected a version such as \"1.1\"") || error.ends_with("string")
        );
    }
    let missing = read_with("disabled: true", &[], false).unwrap_err().to_string();
    assert_eq!(missing, "otel.yaml:1:1: the file: the key file_format is missing");
}

const TRACES: &str = r#"
attribute_limits:
  attribute_count_limit: 7
  attribute_value_length_limit: 99
tracer_provider:
  processors:
    - batch:
        schedule_delay: 0
        export_timeout: 0
        max_queue_size: 100
        exporter:
          otlp_grpc:
            endpoint: collector:4317
            tls: { insecure: true }
            headers: [{ name: Api-Key, value: "1" }, { name: unset, value: }]
            headers_list: "api-key=2,x=a%20b"
            compression: gzip
            timeout: 1000
    - batch:
        max_export_batch_size: 8
        exporter: { otlp_http: { encoding: json, tls: { ca_file: /ca.pem } } }
    - simple: { exporter: { console: } }
  limits:
    attribute_count_limit: 8
    event_count_limit: 9
  sampler:
    parent_based: { root: { trace_id_ratio_based: { ratio: 0.25 } } }
"#;

#[test]
fn traces_have_processors_exporters_limits_and_a_sampler() {
    let config = read(TRACES);
    assert_eq!(warnings(&config), [""; 0]);
    assert_eq!(config.limits.value, Some(99));
    let counts = config.limits.counts;
    assert_eq!((counts.max_attributes_per_span, counts.max_events_per_span), (8, 9));
    assert_eq!((counts.max_attributes_per_event, counts.max_links_per_span), (7, 128));
    assert_eq!(format!("{:?}", config.sampler), "ParentBased(TraceIdRatioBased(0.25))");
}

#[test]
fn each_exporter_has_the_settings_of_its_processor() {
    let config = read(TRACES);
    let exports = config.exporters.as_ref().unwrap();
    let kinds: Vec<_> = exports.iter().map(|export| export.exporter).collect();
    use TracesExporter::{Console, Otlp};
    assert_eq!(kinds, [Otlp, Otlp, Console]);

    let own = |index: usize| exports[index].own.clone().unwrap();
    let first = own(0);
    assert_eq!((first.batch.queue, first.batch.size), (100, 100));
    assert_eq!(first.batch.delay, Some(Duration::from_millis(1)));
    assert!(first.batch.export_timeout > Duration::from_secs(1 << 30));
    assert_eq!(first.otlp.protocol, Protocol::Grpc);
    assert_eq!(first.otlp.insecure, Some(true));
    assert_eq!(first.otlp.compression, Compression::Gzip);
    assert_eq!(first.otlp.timeout, Duration::from_secs(1));
    assert_eq!(
        (&first.otlp.headers["api-key"], &first.otlp.headers["x"]),
        (&"1".parse().unwrap(), &"a b".parse().unwrap())
    );
    assert_eq!(first.otlp.headers.len(), 2);
    let (setting, url) = first.otlp.endpoint.unwrap();
    assert_eq!(
        setting,
        "otel.yaml:14:13: tracer_provider.processors[0].batch.exporter.otlp_grpc.endpoint"
    );
    assert_eq!(url.as_str(), "collector:4317");

    let second = own(1);
    assert_eq!((second.batch.queue, second.batch.size), (2048, 8));
    assert_eq!(second.otlp.protocol, Protocol::HttpJson);
    assert_eq!(second.otlp.endpoint, None);
    assert_eq!(second.otlp.certificate.unwrap().1, "/ca.pem");
    assert_eq!(own(2).batch.delay, Some(Duration::from_millis(100)));
}

#[test]
fn the_resource_has_typed_attributes_detectors_and_a_name() {
    let config = read(
        r#"
resource:
  attributes_list: team=blue,service.name=weaker,zone=a%20b
  attributes:
    - { name: service.name, value: shop }
    - { name: team, value: red }
    - { name: pid, value: 7, type: int }
    - { name: build, value: 7 }
    - { name: ratios, value: [0.5, 1], type: double_array }
    - { name: on, value: true, type: bool }
    - { name: empty, value: }
  detection/development:
    attributes: { excluded: ["host.id"] }
    detectors: [ host: , service: , kubernetes: ]
"#,
    );
    assert_eq!(warnings(&config), [""; 0]);
    let resource = &config.resource;
    assert_eq!(resource.file_service_name.as_deref(), Some("shop"));
    let ratios = Value::Array(opentelemetry::Array::F64(vec![0.5, 1.0]));
    assert_eq!(
        resource.attributes,
        [
            KeyValue::new("team", "blue"),
            KeyValue::new("zone", "a b"),
            KeyValue::new("team", "red"),
            KeyValue::new("pid", 7),
            KeyValue::new("build", "7"),
            KeyValue::new("ratios", ratios),
            KeyValue::new("on", true),
        ]
    );
    let detection = resource.detection.as_ref().unwrap();
    let expected = crate::telemetry::ResourceDetectors::none();
    assert_eq!(detection.detectors, expected.host(true).service_instance(true).kubernetes(true));
    assert!(detection.keys.matches("host.name") && !detection.keys.matches("host.id"));
}

#[test]
fn the_unknown_service_of_a_template_is_no_name() {
    let text = "file_format: '1.1'\nresource:\n  attributes_list: service.name=unknown_service\n  \
                detection/development: { detectors: [ service: ] }\n";
    let set = &[("OTEL_SERVICE_NAME", "shop")];
    let config = read_with(text, set, true).unwrap();
    assert_eq!(config.resource.file_service_name.as_deref(), Some("shop"));
    let none = read_with(text, &[], true).unwrap();
    assert_eq!(none.resource.file_service_name, None);
}

#[test]
fn propagators_are_those_of_both_lists_once() {
    let config =
        read("propagator:\n  composite: [ b3: , jaeger: ]\n  composite_list: baggage,B3\n");
    assert_eq!(warnings(&config), [""; 0]);
    assert_eq!(format!("{:?}", config.propagator), format!("{:?}", composite("b3,jaeger,baggage")));
    assert_warned(
        "propagator:\n  composite_list: b3,xray\n",
        "otel.yaml:3:3: propagator.composite_list: \"xray\": expected tracecontext, baggage, b3, \
         b3multi or jaeger; xray is not supported",
    );
    assert_eq!(
        error("propagator: { composite: [ tracecontxt: ] }\n"),
        "otel.yaml:2:28: propagator.composite[0]: \"tracecontxt\": expected tracecontext, baggage, \
         b3, b3multi or jaeger; did you mean tracecontext?"
    );
}

#[test]
fn variables_of_opentelemetry_are_used_only_by_reference() {
    let text = "file_format: '1.1'\ntracer_provider:\n  processors:\n    - batch:\n        \
                max_queue_size: ${QUEUE}\n        exporter:\n          otlp_http:\n            \
                endpoint: ${OTEL_EXPORTER_OTLP_ENDPOINT:-http://localhost:4318}/v1/traces\n";
    let set = &[
        ("QUEUE", "77"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:1234"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "1"),
        ("OTEL_TRACES_SAMPLER", "always_off"),
        ("OTEL_RESOURCE_ATTRIBUTES", "a=b"),
        ("OTEL_METRICS_EXPORTER", "otlp"),
        ("OTEL_SDK_DISABLED", "true"),
        ("NO_COLOR", "1"),
    ];
    let config = read_with(text, set, true).unwrap();
    let own = config.exporters.as_ref().unwrap()[0].own.as_ref().unwrap();
    assert_eq!(own.otlp.endpoint.as_ref().unwrap().1.as_str(), "http://collector:1234/v1/traces");
    assert_eq!((own.batch.queue, own.batch.size), (77, 77));
    assert_eq!(own.otlp.timeout, Duration::from_secs(10));
    assert_eq!(format!("{:?}", config.sampler), "ParentBased(AlwaysOn)");
    assert!(config.resource.attributes.is_empty() && config.metrics.exporters.is_empty());
    assert!(!config.is_disabled && config.no_color);
    let file = config.file.unwrap();
    assert_eq!(file.name, "otel.yaml");
    assert_eq!(Vec::from_iter(file.variables), ["OTEL_EXPORTER_OTLP_ENDPOINT", "QUEUE"]);
}

#[test]
fn a_missing_variable_is_a_warning_with_its_place() {
    let text = "file_format: '1.1'\nresource:\n  attributes_list: ${UNSET}\n";
    let expected = "otel.yaml:3:20: the variable UNSET is not set; if it is optional, write \
                    ${UNSET:-}";
    let config = read_with(text, &[], false).unwrap();
    assert_eq!(warnings(&config), [format!("{expected}; an empty value is used")]);
    assert_eq!(read_with(text, &[], true).unwrap_err().to_string(), expected);
    assert!(read_with(&text.replace("${UNSET}", "${UNSET:-}"), &[], true).is_ok());
}

#[test]
fn what_is_unknown_or_unsupported_is_a_warning_with_line_and_path() {
    for (text, expected) in [
        (
            "tracer_provier: {}\n",
            "otel.yaml:2:1: tracer_provier: unknown key: did you mean tracer_provider?",
        ),
        (
            "attribute_limits:\n  count: 1\n",
            "otel.yaml:3:3: attribute_limits.count: unknown key: expected \
             attribute_value_length_limit or attribute_count_limit",
        ),
        (
            "tracer_provider:\n  processors: [ { simple: { exporter: { console: } } } ]\n  \
             tracer_configurator/development: { tracers: [] }\n",
            "otel.yaml:4:3: tracer_provider.tracer_configurator/development: this is not supported",
        ),
        (
            "tracer_provider:\n  processors:\n    - simple: { exporter: { console: } }\n    \
             - batch: { exporter: { otlp_file/development: { output_stream: stdout } } }\n",
            "otel.yaml:5:28: tracer_provider.processors[1].batch.exporter.otlp_file/development: \
             this is not supported",
        ),
        (
            "meter_provider:\n  readers: [ { periodic: { exporter: { otlp_http: } } } ]\n  views:\n    \
             - { selector: {}, stream: { attribute_keys: { excluded: [a] } } }\n",
            "otel.yaml:5:33: meter_provider.views[0].stream.attribute_keys: excluded keys and \
             wildcards are not supported",
        ),
        (
            "resource: { detection/development: { detectors: [ { gcp: } ] } }\n",
            "otel.yaml:2:53: resource.detection/development.detectors[0].gcp: unknown detector: \
             expected container, host, kubernetes, os, process, process_command or service",
        ),
        (
            "log_level: debug\n",
            "otel.yaml:2:1: log_level: this is not supported: set RUST_LOG or log_filter()",
        ),
        (
            "instrumentation/development: { java: { a: 1 }, rust: { a: 1 } }\n",
            "otel.yaml:2:48: instrumentation/development.rust: this is not supported",
        ),
    ] {
        assert_warned(text, expected);
    }
}

/// Checks the error of each text.
fn assert_errors<const N: usize>(cases: [(String, &str); N]) {
    for (text, expected) in cases {
        assert_eq!(error(&text), expected, "{text}");
    }
}

#[test]
fn an_invalid_processor_is_an_error_with_line_and_path() {
    let batch = |options: &str| {
        format!(
            "tracer_provider:\n  processors:\n    - batch:\n        {options}\n        exporter: {{ console: }}\n"
        )
    };
    assert_errors([
        (
            batch("max_queue_size: many"),
            "otel.yaml:5:25: tracer_provider.processors[0].batch.max_queue_size=\"many\": expected \
             a whole number from 1 to 1048576",
        ),
        (
            batch("max_queue_size: \"7\""),
            "otel.yaml:5:25: tracer_provider.processors[0].batch.max_queue_size=\"7\": expected a \
             whole number from 1 to 1048576",
        ),
        (
            batch("max_queue_size: [1]"),
            "otel.yaml:5:25: tracer_provider.processors[0].batch.max_queue_size=a list: expected a \
             whole number from 1 to 1048576",
        ),
        (
            batch("max_export_batch_size: 4096"),
            "otel.yaml:5:32: tracer_provider.processors[0].batch.max_export_batch_size=\"4096\": \
             expected at most max_queue_size, which is 2048",
        ),
        (
            "tracer_provider: { processors: [ batch ] }\n".to_owned(),
            "otel.yaml:2:34: tracer_provider.processors[0]=\"batch\": expected a mapping with one key",
        ),
        (
            "tracer_provider: {}\n".to_owned(),
            "otel.yaml:2:1: tracer_provider: the key processors is missing",
        ),
        (
            "tracer_provider: { processors: [ { batch: { exporter: { zipkin: } } } ] }\n"
                .to_owned(),
            "otel.yaml:2:57: tracer_provider.processors[0].batch.exporter.zipkin: unknown exporter: \
             expected otlp_http, otlp_grpc or console",
        ),
    ]);
}

#[test]
fn an_invalid_sampler_is_an_error_with_line_and_path() {
    let sampler = |sampler: &str| {
        format!(
            "tracer_provider:\n  processors: [ {{ simple: {{ exporter: {{ console: }} }} }} ]\n  sampler: {sampler}\n"
        )
    };
    assert_errors([
        (
            sampler("{ trace_id_ratio_based: { ratio: 2 } }"),
            "otel.yaml:4:45: tracer_provider.sampler.trace_id_ratio_based.ratio=\"2\": expected a \
             ratio from 0 to 1, such as 0.25",
        ),
        (
            sampler("{ always_on: , always_off: }"),
            "otel.yaml:4:12: tracer_provider.sampler=a mapping: expected a mapping with one key",
        ),
    ]);
}

#[test]
fn another_invalid_value_is_an_error_with_line_and_path() {
    assert_errors([
        (
            "disabled: 'true'\n".to_owned(),
            "otel.yaml:2:11: disabled=\"true\": expected true or false",
        ),
        (
            "meter_provider:\n  readers: [ { periodic: { exporter: { console: } } } ]\n".to_owned(),
            "otel.yaml:3:3: meter_provider.readers: nothing would be exported: expected a reader \
             whose exporter is otlp_http, otlp_grpc or prometheus/development",
        ),
        (
            "resource: { attributes: [ { name: a, value: b, type: int } ] }\n".to_owned(),
            "otel.yaml:2:45: resource.attributes[0].value=\"b\": expected a whole number",
        ),
        (
            "meter_provider:\n  readers: [ { periodic: { exporter: { otlp_http: } } } ]\n  views:\n    \
             - { selector: { unit: s }, stream: { name: all } }\n"
                .to_owned(),
            "otel.yaml:5:9: meter_provider.views[0].selector: several instruments would have one \
             name: expected an instrument_name without wildcards beside stream.name",
        ),
        (
            "a: [1\n".to_owned(),
            "otel.yaml:3:1: invalid YAML: while parsing a flow sequence, expected ',' or ']'",
        ),
    ]);
}

#[test]
fn secrets_are_in_no_message() {
    let text = "file_format: '1.1'\ntracer_provider:\n  processors:\n    - batch:\n        \
                max_queue_size: ${SECRET}\n        exporter: { console: }\n";
    let error = read_with(text, &[("SECRET", "hunter2")], false).unwrap_err().to_string();
    assert!(
        error.contains("max_queue_size=\"${SECRET}\"") && !error.contains("hunter2"),
        "{error}"
    );

    let header = |options: &str| {
        format!(
            "file_format: '1.1'\ntracer_provider:\n  processors:\n    - batch:\n        \
             exporter: {{ otlp_http: {{ {options} }} }}\n"
        )
    };
    let value = header(r#"headers: [{ name: a, value: "hunter2\n" }]"#);
    let error = read_with(&value, &[], false).unwrap_err().to_string();
    assert!(error.contains(".headers[0].value=\"***\": expected"), "{error}");
    let list = read_with(&header("headers_list: hunter2"), &[], true).unwrap_err().to_string();
    assert!(list.contains(".headers_list=\"***\": expected"), "{list}");
}

#[test]
fn a_file_that_is_missing_large_or_no_file_is_an_error() {
    let folder = std::env::temp_dir().join(format!("{}-config-file", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let refused = |name: &str| {
        let path = folder.join(name);
        let error = Config::read_file(&path, &Env::from_fn(|_| None)).unwrap_err().to_string();
        error.strip_prefix(&*path.display().to_string()).unwrap().to_owned()
    };
    assert!(refused("missing.yaml").starts_with(": cannot be read: "));
    assert_eq!(refused(""), ": is not a file");
    fs::write(folder.join("large.yaml"), "#".repeat(10 << 20)).unwrap();
    assert_eq!(refused("large.yaml"), ": is larger than 1048576 bytes");
    fs::write(folder.join("latin1.yaml"), b"a: \xe9").unwrap();
    assert_eq!(refused("latin1.yaml"), ": is not UTF-8");
    fs::write(folder.join("empty.yaml"), "").unwrap();
    assert_eq!(refused("empty.yaml"), ":1:1: the file: the key file_format is missing");
    fs::remove_dir_all(&folder).unwrap();
}
