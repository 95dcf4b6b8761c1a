use std::sync::{
    Arc, Mutex,
    mpsc::{Receiver, channel},
};

use http::HeaderMap;
use opentelemetry::{
    Context,
    baggage::BaggageExt,
    trace::{Span, SpanContext, TraceContextExt, TraceFlags, TraceState, Tracer, TracerProvider},
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{InMemorySpanExporter, Sampler, SpanData, SpanExporter},
};
use tracing::{Dispatch, dispatcher::with_default};

mod resource;
mod spans;

use super::*;
use crate::{
    export::console::Console,
    propagation::JaegerPropagator,
    telemetry::{Telemetry, log_format::tests::CapturedLines},
};

fn builder(variables: &'static [(&str, &str)]) -> TelemetryBuilder {
    Telemetry::builder().variables(|name| {
        let found = variables.iter().find(|(key, _)| *key == name)?;
        Some(found.1.to_owned())
    })
}

struct Rig {
    telemetry: Telemetry,
    dispatch: Dispatch,
    exporter: InMemorySpanExporter,
    lines: CapturedLines,
}

fn rig(builder: TelemetryBuilder) -> Rig {
    let exporter = InMemorySpanExporter::default();
    let lines = CapturedLines::default();
    let (telemetry, dispatch) =
        builder.exporter(exporter.clone()).log_writer(lines.clone()).build().unwrap();
    Rig { telemetry, dispatch, exporter, lines }
}

impl Rig {
    fn exported(&self) -> Vec<SpanData> {
        self.telemetry.tracer_provider().force_flush().unwrap();
        self.exporter.get_finished_spans().unwrap()
    }

    fn exported_names(&self) -> Vec<String> {
        let spans = self.exported().into_iter();
        spans.map(|span| span.name.into_owned()).collect()
    }
}

#[test]
fn tracing_spans_are_exported_as_opentelemetry_spans() {
    let rig = rig(builder(&[]).service_name("shop"));
    with_default(&rig.dispatch, || {
        let outer = tracing::info_span!("outer").entered();
        tracing::info_span!("inner").in_scope(|| {});
        outer.exit();
    });
    let spans = rig.exported();
    assert_eq!((&*spans[0].name, &*spans[1].name), ("inner", "outer"));
    assert_eq!(spans[0].parent_span_id, spans[1].span_context.span_id(), "{spans:?}");
}

#[test]
fn a_log_line_carries_the_ids_of_the_span_it_was_written_in() {
    let rig = rig(builder(&[]).service_name("shop"));
    with_default(&rig.dispatch, || {
        tracing::info_span!("order").in_scope(|| tracing::info!("hello"));
    });
    let span = &rig.exported()[0].span_context;
    let (trace_id, span_id) = (span.trace_id(), span.span_id());
    let lines = rig.lines.all();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let ids = format!(" trace_id={trace_id} span_id={span_id} trace_flags=03");
    assert!(lines[0].ends_with(&ids), "{lines:?}");
}

#[test]
fn spans_of_the_transport_are_not_exported() {
    let rig = rig(builder(&[]).service_name("shop"));
    with_default(&rig.dispatch, || {
        tracing::info_span!(target: "hyper::client", "theirs").in_scope(|| {});
        tracing::info_span!(target: "hyperspace", "ours").in_scope(|| {});
    });
    assert_eq!(rig.exported_names(), ["ours"]);
}

#[test]
fn the_filter_of_log_lines_does_not_affect_spans() {
    let rig = rig(builder(&[("RUST_LOG", "error")]).service_name("shop"));
    with_default(&rig.dispatch, || {
        tracing::info_span!("order").in_scope(|| tracing::info!("hello"));
    });
    assert_eq!(rig.exported_names(), ["order"]);
    assert_eq!(rig.lines.all(), [""; 0]);
}

#[test]
fn spans_below_the_configured_level_are_not_exported() {
    let named = |builder: TelemetryBuilder| {
        let rig = rig(builder.service_name("shop"));
        with_default(&rig.dispatch, || {
            tracing::info_span!("info").in_scope(|| {});
            tracing::debug_span!("debug").in_scope(|| {});
        });
        rig.exported_names()
    };
    assert_eq!(named(builder(&[])), ["info"]);
    let debug = builder(&[]).span_level(LevelFilter::DEBUG);
    assert_eq!(named(debug), ["info", "debug"]);
}

#[test]
fn long_strings_of_any_span_are_truncated() {
    let limits = [
        ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "4"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "2"),
    ];
    for (variables, expected) in
        [(&[] as &[_], "ordinary"), (&limits, "ordi"), (&limits[1..], "or")]
    {
        let variables = variables.to_vec();
        let find = move |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name)?;
            Some(found.1.to_owned())
        };
        let rig = rig(Telemetry::builder().variables(find).service_name("shop"));
        let mut span = rig.telemetry.tracer_provider().tracer("test").start("a long name");
        span.set_attribute(KeyValue::new("kind", "ordinary"));
        span.add_event("happened", vec![KeyValue::new("kind", "ordinary")]);
        drop(span);

        let span = &rig.exported()[0];
        let cut = KeyValue::new("kind", expected);
        assert_eq!(span.attributes, std::slice::from_ref(&cut));
        assert_eq!(span.events[0].attributes, [cut]);
        assert_eq!(span.name, "a long name");
    }
}

#[test]
fn logs_of_the_sdk_reach_the_log_lines() {
    let rig = rig(builder(&[("RUST_LOG", "opentelemetry_sdk=info")]).service_name("shop"));
    let provider = opentelemetry_sdk::trace::SdkTracerProvider::default();
    with_default(&rig.dispatch, || drop(provider.tracer("")));
    let lines = rig.lines.all();
    assert!(lines[0].contains("TracerNameEmpty"), "{lines:?}");
}

#[test]
fn a_name_in_the_environment_that_code_overrides_is_logged_once() {
    let rig = rig(builder(&[("OTEL_SERVICE_NAME", "sidecar")]).service_name("shop"));
    let lines = rig.lines.all();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(
        lines[0].contains("the name \"shop\" in code overrides OTEL_SERVICE_NAME=\"sidecar\""),
        "{lines:?}"
    );
}

/// Returns the sorted names of the fields that are written.
fn written(builder: TelemetryBuilder) -> Vec<String> {
    let rig = rig(builder.service_name("shop"));
    let span = rig.telemetry.tracer_provider().tracer("test").start("span");
    let cx = Context::new().with_span(span).with_baggage([KeyValue::new("k", "1")]);
    let mut sent = HeaderMap::new();
    rig.telemetry.propagator().inject(&cx, &mut sent);
    let mut names: Vec<_> = sent.keys().map(ToString::to_string).collect();
    names.sort();
    names
}

#[test]
fn a_propagator_in_code_beats_the_environment_which_beats_the_default() {
    let unset = || builder(&[]);
    let empty = || builder(&[("OTEL_PROPAGATORS", "")]);
    let b3 = || builder(&[("OTEL_PROPAGATORS", "b3,baggage")]);
    let none = || builder(&[("OTEL_PROPAGATORS", "none")]);
    let jaeger = || JaegerPropagator::new().without_baggage();

    let w3c = ["baggage", "traceparent"];
    assert_eq!(written(unset()), w3c);
    assert_eq!(written(empty()), w3c);
    assert_eq!(written(b3()), ["b3", "baggage"]);
    assert_eq!(written(none()), [""; 0]);
    assert_eq!(written(unset().propagator(jaeger())), ["uber-trace-id"]);
    assert_eq!(written(b3().propagator(jaeger())), ["uber-trace-id"]);
    assert_eq!(written(none().propagator(Propagator::w3c())), w3c);
}

#[test]
fn strict_turns_warnings_into_errors_also_where_code_sets_something_else() {
    for builder in [
        builder(&[("OTEL_PROPAGATORS", "xray")]),
        builder(&[("OTEL_PROPAGATORS", "xray")]).propagator(JaegerPropagator::new()),
    ] {
        let error = builder.service_name("shop").strict(true).build().unwrap_err().to_string();
        assert!(error.starts_with("OTEL_PROPAGATORS=\"xray\": expected "), "{error}");
    }
}

#[test]
fn an_ignored_value_is_one_warning() {
    let lines = CapturedLines::default();
    let builder = builder(&[("OTEL_TRACES_SAMPLER", "often"), ("OTEL_PROPAGATORS", "w3c")]);
    let builder = builder.service_name("shop").exporter(InMemorySpanExporter::default());
    let (telemetry, _) = builder.log_writer(lines.clone()).build().unwrap();
    for setting in ["OTEL_TRACES_SAMPLER=\"often\"", "OTEL_PROPAGATORS=\"w3c\""] {
        let found: Vec<_> = lines.all().into_iter().filter(|line| line.contains(setting)).collect();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("WARN") && found[0].ends_with("; it is ignored"), "{found:?}");
    }
    telemetry.shutdown().unwrap();
}

#[test]
fn an_attribute_without_a_key_is_refused() {
    let builder = builder(&[]).service_name("shop").resource_attribute("", "east");
    let error = builder.build().unwrap_err().to_string();
    assert_eq!(error, "resource_attribute()=\"=east\": expected an attribute with a key");
}

#[test]
fn a_service_without_a_name_is_refused() {
    let error = builder(&[]).build().unwrap_err().to_string();
    assert!(error.contains("the service has no name"), "{error}");
}

#[test]
fn after_a_clean_shutdown_nothing_is_lost() {
    let rig = rig(builder(&[]).service_name("shop"));
    with_default(&rig.dispatch, || tracing::info_span!("order").in_scope(|| {}));
    rig.telemetry.shutdown().unwrap();
}

/// Exporter that does not return until the test drops the other end.
#[derive(Debug)]
struct Stuck(Mutex<Receiver<()>>);

impl SpanExporter for Stuck {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        let _ = self.0.lock().unwrap().recv();
        Ok(())
    }
}

fn stuck(builder: TelemetryBuilder) -> (Telemetry, Dispatch, std::sync::mpsc::Sender<()>) {
    let (release, stuck) = channel();
    let (telemetry, dispatch) = builder
        .exporter(Stuck(Mutex::new(stuck)))
        .shutdown_timeout(Duration::from_millis(20))
        .build()
        .unwrap();
    drop(telemetry.tracer_provider().tracer("test").start("span"));
    (telemetry, dispatch, release)
}

#[test]
fn shutdown_ends_at_its_deadline_and_reports_the_waiting_spans() {
    let (telemetry, _dispatch, _release) = stuck(builder(&[]).service_name("shop"));
    let error = telemetry.shutdown().unwrap_err();
    let loss = &error.losses()[0];
    assert_eq!((loss.ended(), loss.delivered(), loss.lost()), (1, 0, 1));
    let text = error.to_string();
    assert!(text.contains("1 of 1 span") && text.contains("within"), "{text}");
    assert!(text.ends_with("1 still waiting"), "{text}");
}

#[test]
fn dropping_telemetry_logs_the_lost_spans() {
    let lines = CapturedLines::default();
    let builder = builder(&[]).service_name("shop").log_writer(lines.clone());
    let (telemetry, _dispatch, _release) = stuck(builder);
    drop(telemetry);
    let lines = lines.all();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("1 of 1 span"), "{lines:?}");
}

/// Returns the names of the spans that each exporter has received.
fn names(exporters: &[InMemorySpanExporter]) -> Vec<Vec<String>> {
    let names =
        |spans: Vec<SpanData>| spans.into_iter().map(|span| span.name.into_owned()).collect();
    exporters.iter().map(|exporter| names(exporter.get_finished_spans().unwrap())).collect()
}

#[test]
fn every_exporter_in_code_receives_every_span() {
    let exporters: [InMemorySpanExporter; 2] = Default::default();
    let (telemetry, _dispatch) = builder(&[("OTEL_TRACES_EXPORTER", "none")])
        .service_name("shop")
        .exporter(exporters[0].clone())
        .exporter(exporters[1].clone())
        .build()
        .unwrap();
    drop(telemetry.tracer_provider().tracer("test").start("span"));
    telemetry.tracer_provider().force_flush().unwrap();
    assert_eq!(names(&exporters), [["span"], ["span"]]);
}

#[test]
fn an_exporter_that_hangs_does_not_affect_the_others_at_shutdown() {
    let (other, lines) = (InMemorySpanExporter::default(), CapturedLines::default());
    let (_release, hangs) = channel();
    let (telemetry, _dispatch) = builder(&[])
        .service_name("shop")
        .log_writer(lines.clone())
        .exporter(Stuck(Mutex::new(hangs)))
        .exporter(KeepsAtShutdown(other.clone()))
        .shutdown_timeout(Duration::from_millis(200))
        .build()
        .unwrap();
    drop(telemetry.tracer_provider().tracer("test").start("span"));
    let error = telemetry.shutdown().unwrap_err();
    assert_eq!(error.losses().len(), 1, "{error}");
    assert_eq!(names(&[other]), [["span"]]);
}

/// Exporter in memory that keeps its spans at shutdown.
#[derive(Debug)]
struct KeepsAtShutdown(InMemorySpanExporter);

impl SpanExporter for KeepsAtShutdown {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.export(batch).await
    }
}

#[test]
fn a_sampler_in_code_beats_the_environment_which_beats_the_default() {
    let sampled = |builder: TelemetryBuilder| {
        let rig = rig(builder.service_name("shop"));
        let span = rig.telemetry.tracer_provider().tracer("test").start("span");
        span.span_context().is_sampled()
    };
    let off = || builder(&[("OTEL_TRACES_SAMPLER", "always_off")]);
    assert!(sampled(builder(&[])));
    assert!(!sampled(off()));
    assert!(sampled(off().sampler(Sampler::AlwaysOn)));
    assert!(!sampled(builder(&[]).sampler(Sampler::AlwaysOff)));
}

#[test]
fn the_environment_limits_the_attributes_of_a_span() {
    let rig = rig(builder(&[("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "1")]).service_name("shop"));
    let mut span = rig.telemetry.tracer_provider().tracer("test").start("span");
    span.set_attributes([KeyValue::new("a", 1), KeyValue::new("b", 2)]);
    drop(span);
    let span = &rig.exported()[0];
    assert_eq!((span.attributes.len(), span.dropped_attributes_count), (1, 1));
}

#[test]
fn disabled_telemetry_records_no_spans_and_propagates_context() {
    let rig = rig(builder(&[("OTEL_SDK_DISABLED", "true"), ("OTEL_PROPAGATORS", "b3")]));
    with_default(&rig.dispatch, || {
        tracing::info_span!("order").in_scope(|| tracing::info!("hello"));
    });
    let span = rig.telemetry.tracer_provider().tracer("test").start("span");
    assert!(!span.is_recording() && !span.span_context().is_valid());
    let mut sent = HeaderMap::new();
    let caller = SpanContext::new(7.into(), 9.into(), TraceFlags::SAMPLED, true, TraceState::NONE);
    rig.telemetry.propagator().inject(&Context::new().with_remote_span_context(caller), &mut sent);
    assert!(sent.contains_key("b3"), "{sent:?}");
    assert!(rig.lines.all().iter().any(|line| line.contains("hello")));
    assert!(rig.exporter.get_finished_spans().unwrap().is_empty());
    rig.telemetry.shutdown().unwrap();
}

/// Writer whose other end is closed.
struct Closed;

impl std::io::Write for Closed {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_closed_console_is_one_warning_and_an_error_at_shutdown() {
    for console in [Console::new(), Console::new().json()] {
        let lines = CapturedLines::default();
        let (telemetry, _dispatch) = builder(&[])
            .service_name("shop")
            .log_writer(lines.clone())
            .console(console.writer(Closed))
            .build()
            .unwrap();
        for _ in 0..3 {
            drop(telemetry.tracer_provider().tracer("test").start("span"));
            telemetry.tracer_provider().force_flush().unwrap();
        }
        assert_eq!(lines.all().len(), 1, "{:?}", lines.all());
        let error = telemetry.shutdown().unwrap_err().to_string();
        let expected =
            "3 of 3 spans were not delivered to Console::writer(): 3 failed (broken pipe)";
        assert_eq!(error, expected);
    }
}

#[test]
fn shutdown_keeps_its_deadline_also_if_it_drops_the_last_provider() {
    let (telemetry, dispatch, _release) = stuck(builder(&[]).service_name("shop"));
    drop(dispatch);
    let started = std::time::Instant::now();
    telemetry.shutdown().unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}
