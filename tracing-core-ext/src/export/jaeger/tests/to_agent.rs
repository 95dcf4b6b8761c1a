use std::{
    env,
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    process::Command,
};

use opentelemetry::{
    KeyValue,
    trace::{Span as _, Tracer, TracerProvider},
};

use super::{
    builder,
    wire::{Agent, Tag},
};
use crate::{
    export::jaeger::endpoint::JaegerEndpoint,
    telemetry::{Telemetry, TelemetryBuilder, log_format::tests::CapturedLines},
};

fn to(agent: &Agent) -> TelemetryBuilder {
    builder().jaeger(JaegerEndpoint::AgentUdp(agent.address())).log_writer(CapturedLines::default())
}

fn end_span(telemetry: &Telemetry, name: &'static str, note: String) {
    let mut span = telemetry.tracer_provider().tracer("test").start(name);
    span.set_attribute(KeyValue::new("note", note));
}

/// Returns an address on which no socket listens.
fn nowhere() -> SocketAddr {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

fn assert_delivers() {
    let agent = Agent::start();
    let (telemetry, _dispatch) = to(&agent).build().unwrap();
    end_span(&telemetry, "order", "a".to_owned());
    telemetry.shutdown().unwrap();
    let batch = agent.receive();
    assert_eq!(batch.service_name, "checkout");
    assert_eq!(batch.process_tags["service.name"], "checkout".into());
    assert!(!batch.process_tags.contains_key("sneaked"), "{batch:?}");
    assert_eq!(batch.spans[0].name, "order");
    assert_eq!(batch.spans[0].tags["note"], "a".into());
}

#[test]
fn an_agent_gets_spans_without_any_runtime() {
    assert_delivers();
}

#[tokio::test(flavor = "current_thread")]
async fn an_agent_gets_spans_from_inside_a_single_threaded_runtime() {
    assert_delivers();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_agent_gets_spans_from_inside_a_multi_threaded_runtime() {
    assert_delivers();
}

#[test]
fn an_agent_set_only_in_the_environment_gets_spans() {
    let host = ("OTEL_EXPORTER_JAEGER_AGENT_HOST", "127.0.0.1");
    for (variable, value) in [host, ("OTEL_TRACES_EXPORTER", "jaeger")] {
        let agent = Agent::start();
        let port = agent.address().port().to_string();
        let look_up = move |name: &str| match name {
            "OTEL_EXPORTER_JAEGER_AGENT_PORT" => Some(port.clone()),
            name => (name == variable).then(|| value.to_owned()),
        };
        let (telemetry, _dispatch) = builder().variables(look_up).build().unwrap();
        end_span(&telemetry, "order", "a".to_owned());
        telemetry.shutdown().unwrap();
        assert_eq!(agent.receive().spans[0].name, "order");
    }
}

#[test]
fn every_type_of_tag_survives_the_compact_protocol() {
    let agent = Agent::start();
    let (telemetry, _dispatch) = to(&agent).build().unwrap();
    let mut span = telemetry.tracer_provider().tracer("test").start("order");
    span.set_attributes([
        KeyValue::new("long", i64::MIN),
        KeyValue::new("double", 0.1),
        KeyValue::new("yes", true),
        KeyValue::new("no", false),
    ]);
    span.add_event("retry", vec![KeyValue::new("attempt", 2)]);
    span.set_status(opentelemetry::trace::Status::error("no stock"));
    let context = span.span_context().clone();
    span.end();
    telemetry.shutdown().unwrap();
    let span = agent.receive().spans.pop().unwrap();
    assert_eq!(span.trace_id.to_be_bytes(), context.trace_id().to_bytes());
    assert_eq!(span.span_id.to_be_bytes(), context.span_id().to_bytes());
    for (key, tag) in [
        ("long", Tag::Long(i64::MIN)),
        ("double", Tag::Double(0.1)),
        ("yes", Tag::Bool(true)),
        ("no", Tag::Bool(false)),
        ("error", Tag::Bool(true)),
        ("otel.status_description", "no stock".into()),
    ] {
        assert_eq!(span.tags[key], tag);
    }
    assert_eq!(span.logs[0].fields["attempt"], Tag::Long(2));
    assert_eq!(span.logs[0].fields["event"], "retry".into());
}

#[test]
fn a_batch_too_large_for_one_packet_is_split() {
    let agent = Agent::start();
    let (telemetry, _dispatch) = to(&agent).build().unwrap();
    (0..60).for_each(|_| end_span(&telemetry, "order", "x".repeat(1_900)));
    telemetry.shutdown().unwrap();
    let (spans, packets) = agent.receive_spans(60);
    assert_eq!((spans.len(), packets), (60, 2));
}

#[test]
fn only_the_strings_of_a_large_span_are_truncated_and_a_tag_reports_it() {
    let agent = Agent::start();
    let (telemetry, _dispatch) = to(&agent).build().unwrap();
    end_span(&telemetry, "small", "a".to_owned());
    let mut large = telemetry.tracer_provider().tracer("test").start("large");
    large.set_attribute(KeyValue::new("note", "x".repeat(100_000)));
    large.set_attribute(KeyValue::new("other", "kept"));
    large.add_event("retry", Vec::new());
    large.end();
    end_span(&telemetry, "small", "b".to_owned());
    telemetry.shutdown().unwrap();
    let (spans, packets) = agent.receive_spans(3);
    let names: Vec<&str> = spans.iter().map(|span| &*span.name).collect();
    assert_eq!((&names[..], packets), (&["small", "large", "small"][..], 1));
    assert_eq!(spans[1].tags["note"], Tag::Text("x".repeat(8_192)));
    assert_eq!(spans[1].tags["other"], "kept".into());
    assert_eq!(spans[1].tags["jaeger.cut_to_characters"], Tag::Long(8_192));
    assert_eq!(spans[1].logs.len(), 1);
    assert!(!spans[0].tags.contains_key("jaeger.cut_to_characters"));
}

#[test]
fn events_are_dropped_and_counted_if_short_strings_do_not_suffice() {
    let agent = Agent::start();
    let (telemetry, _dispatch) = to(&agent).build().unwrap();
    let mut span = telemetry.tracer_provider().tracer("test").start("large");
    for _ in 0..100 {
        let attributes = (0..20).map(|key| KeyValue::new(format!("key.{key}"), "x".repeat(200)));
        span.add_event("retry", attributes.collect());
    }
    span.end();
    telemetry.shutdown().unwrap();
    let span = agent.receive().spans.pop().unwrap();
    assert_eq!(span.logs, []);
    assert_eq!(span.tags["otel.dropped_events_count"], Tag::Long(100));
}

#[test]
fn a_span_that_cannot_be_made_small_enough_is_lost_alone() {
    let agent = Agent::start();
    let (telemetry, _dispatch) = to(&agent).build().unwrap();
    end_span(&telemetry, "small", "a".to_owned());
    let mut large = telemetry.tracer_provider().tracer("test").start("large");
    for key in 0..100 {
        large.set_attribute(KeyValue::new(format!("{key}{}", "k".repeat(1_000)), key));
    }
    large.end();
    end_span(&telemetry, "small", "b".to_owned());
    let error = telemetry.shutdown().unwrap_err();
    let [loss] = error.losses() else { panic!("{error}") };
    assert_eq!((loss.ended(), loss.delivered(), loss.lost()), (3, 2, 1));
    let reason = "1 failed (a span of 101";
    let error = error.to_string();
    assert!(error.contains(reason), "{error}");
    assert!(error.ends_with(" bytes is too large for a UDP packet of 65000 bytes)"), "{error}");
    assert_eq!(agent.receive_spans(2).0.len(), 2);
}

#[test]
fn a_resource_too_large_for_any_packet_is_reported() {
    let agent = Agent::start();
    let (telemetry, _dispatch) =
        to(&agent).resource_attribute("note", "x".repeat(65_000)).build().unwrap();
    end_span(&telemetry, "order", "a".to_owned());
    let error = telemetry.shutdown().unwrap_err().to_string();
    let reason = "1 failed (the attributes of the resource are too large for a UDP packet of \
                  65000 bytes)";
    assert!(error.ends_with(reason), "{error}");
}

#[test]
fn an_agent_that_does_not_listen_is_one_log_line_and_a_count_at_shutdown() {
    let (address, lines) = (nowhere(), CapturedLines::default());
    let (telemetry, _dispatch) = builder()
        .jaeger(JaegerEndpoint::AgentUdp(address))
        .log_writer(lines.clone())
        .build()
        .unwrap();
    for _ in 0..2 {
        end_span(&telemetry, "order", "a".to_owned());
        telemetry.tracer_provider().force_flush().unwrap();
    }
    let error = telemetry.shutdown().unwrap_err();
    let [loss] = error.losses() else { panic!("{error}") };
    assert_eq!((loss.ended(), loss.delivered(), loss.lost()), (2, 0, 2));
    let start = format!("2 of 2 spans were not delivered to udp://{address}: 2 failed (");
    let error = error.to_string();
    assert!(error.starts_with(&start) && error.contains("refused"), "{error}");
    let lines = lines.all();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("WARN") && lines[0].contains("refused"), "{lines:?}");
}

#[test]
fn spans_are_delivered_again_when_the_agent_is_back() {
    let address = nowhere();
    let (telemetry, _dispatch) = builder()
        .jaeger(JaegerEndpoint::AgentUdp(address))
        .log_writer(CapturedLines::default())
        .build()
        .unwrap();
    end_span(&telemetry, "lost", "a".to_owned());
    telemetry.tracer_provider().force_flush().unwrap();
    let agent = Agent::at(address);
    end_span(&telemetry, "order", "b".to_owned());
    let error = telemetry.shutdown().unwrap_err();
    let [loss] = error.losses() else { panic!("{error}") };
    assert_eq!((loss.ended(), loss.delivered(), loss.lost()), (2, 1, 1));
    assert_eq!(agent.receive().spans[0].name, "order");
}

/// Runs a test of this file in a process with these variables, which `opentelemetry-jaeger` reads
/// itself.
fn passes_with(test: &str, variables: &[(&str, &str)]) {
    let path = module_path!().split_once("::").unwrap().1;
    let output = Command::new(env::current_exe().unwrap())
        .args([&format!("{path}::{test}"), "--exact"])
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let output_text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && output_text.contains("1 passed"), "{output_text}");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!errors.contains("malformed") && !errors.contains("OTEL_"), "{errors}");
}

#[test]
fn code_beats_every_variable_of_the_process() {
    passes_with(
        "an_agent_gets_spans_without_any_runtime",
        &[
            ("OTEL_EXPORTER_JAEGER_AGENT_HOST", "sneaked.invalid"),
            ("OTEL_EXPORTER_JAEGER_AGENT_PORT", "1"),
            ("OTEL_EXPORTER_JAEGER_ENDPOINT", "http://sneaked.invalid:14268/api/traces"),
            ("OTEL_EXPORTER_JAEGER_USER", "sneaked"),
            ("OTEL_EXPORTER_JAEGER_PASSWORD", "sneaked"),
            ("OTEL_EXPORTER_JAEGER_TIMEOUT", "1"),
            ("OTEL_SERVICE_NAME", "sneaked"),
            ("OTEL_RESOURCE_ATTRIBUTES", "sneaked=in"),
            ("OTEL_TRACES_SAMPLER", "traceidratio"),
        ],
    );
}

#[test]
fn an_endpoint_variable_of_the_process_that_is_not_a_uri_is_an_error_even_if_unused() {
    const VALUE: &str = "http://me:secret@no uri";
    if env::var("OTEL_EXPORTER_JAEGER_ENDPOINT").is_err() {
        let own =
            "an_endpoint_variable_of_the_process_that_is_not_a_uri_is_an_error_even_if_unused";
        return passes_with(own, &[("OTEL_EXPORTER_JAEGER_ENDPOINT", VALUE)]);
    }
    let error = to(&Agent::start()).build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "OTEL_EXPORTER_JAEGER_ENDPOINT=\"http://***@no uri\": expected a URL such as \
         http://localhost:14268/api/traces, or no value, because opentelemetry-jaeger reads \
         the variable even if code sets an endpoint"
    );
}
