//! Settings that change while the service runs.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use opentelemetry::trace::{Span, Tracer, TracerProvider};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    EndedSpanExt, Framework, Lines, Provider, Server, Setup, SpanSink, on_both_frameworks,
};
use tracing::{Dispatch, Level, dispatcher};
use tracing_core_ext::{
    prometheus::{ControlAccess, Prometheus},
    telemetry::{Otlp, Telemetry, TelemetryBuilder},
    trace::Sampler,
};
use tracing_subscriber::{Layer, Registry, fmt, layer::SubscriberExt};

on_both_frameworks![another_sampler_decides_about_the_next_requests, the_sampler_changes_over_http,];

/// `tracing` has one maximum level in a process, so one test at a time changes filters.
static TURN: Mutex<()> = Mutex::new(());

/// Telemetry that logs at `info`.
struct Rig {
    telemetry: Telemetry,
    dispatch: Dispatch,
    lines: Lines,
    _turn: MutexGuard<'static, ()>,
}

/// Returns a builder for telemetry that exports each span after a short time.
fn telemetry(sink: &SpanSink) -> TelemetryBuilder {
    let delay = |name: &str| (name == "OTEL_BSP_SCHEDULE_DELAY").then(|| "10".to_owned());
    tests::telemetry(sink).variables(delay)
}

impl Rig {
    fn new(directives: &str) -> Self {
        Self::recording(directives, &SpanSink::new())
    }

    fn recording(directives: &str, sink: &SpanSink) -> Self {
        Self::build(telemetry(sink).log_filter(directives))
    }

    /// Creates telemetry with a listener whose requests may change settings.
    fn listening(access: ControlAccess, sink: &SpanSink) -> Self {
        let prometheus = Prometheus::new().listen_on(([127, 0, 0, 1], 0)).control(access);
        Self::build(telemetry(sink).prometheus(prometheus))
    }

    fn build(telemetry: TelemetryBuilder) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = Lines::default();
        let (telemetry, dispatch) = telemetry.log_writer(lines.clone()).build().unwrap();
        Self { telemetry, dispatch, lines, _turn: turn }
    }

    fn is_debug_enabled(&self) -> bool {
        dispatcher::with_default(&self.dispatch, || tracing::enabled!(Level::DEBUG))
    }

    fn changes(&self) -> Vec<String> {
        let lines = self.lines.all();
        lines.into_iter().filter(|line| line.contains("is changed at run time")).collect()
    }
}

fn wait_until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < deadline, "it did not happen in time");
        thread::yield_now();
    }
}

#[test]
fn a_change_of_the_log_filter_is_one_line_whichever_filter_hides_it() {
    for (before, after) in [("info", "debug"), ("off", "debug"), ("info", "off")] {
        let rig = Rig::new(before);
        rig.telemetry.control().set_log_filter(after, None).unwrap();
        assert_eq!(rig.telemetry.control().log_filter(), after);
        assert_eq!(rig.is_debug_enabled(), after == "debug");
        let (changes, value) = (rig.changes(), format!("value={after:?}"));
        assert!(
            matches!(&changes[..], [line] if line.contains("setting=\"log filter\"")
                && line.contains(&value) && line.contains("source=code")),
            "{changes:?}"
        );
    }
}

#[test]
fn a_change_reverts_after_its_time_limit() {
    let rig = Rig::new("info");
    let limit = Some(Duration::from_millis(50));
    rig.telemetry.control().set_log_filter("debug", limit).unwrap();
    assert!(rig.is_debug_enabled());

    wait_until(|| rig.telemetry.control().log_filter() == "info");

    assert!(!rig.is_debug_enabled());
    assert!(rig.changes()[1].contains("source=time_limit"), "{:?}", rig.changes());
}

#[test]
fn the_time_limit_of_an_earlier_change_does_not_end_a_later_one() {
    let rig = Rig::new("info");
    let control = rig.telemetry.control();
    control.set_log_filter("debug", Some(Duration::from_millis(20))).unwrap();
    control.set_log_filter("trace", None).unwrap();

    // When this change has ended, the time limit of the first one has passed.
    control.set_sampler(Sampler::always_off(), Some(Duration::from_millis(100))).unwrap();
    let initial = Sampler::parent_based(Sampler::always_on()).to_string();
    wait_until(|| control.sampler().to_string() == initial);

    assert_eq!(control.log_filter(), "trace");
}

#[test]
fn the_filter_of_the_set_up_can_be_restored() {
    let rig = Rig::new("info,shop=debug");
    let control = rig.telemetry.control();
    let before = control.log_filter();
    control.set_log_filter("off", Some(Duration::from_secs(3600))).unwrap();
    control.reset_log_filter().unwrap();
    assert_eq!(control.log_filter(), before);
}

#[test]
fn an_invalid_change_is_an_error_and_changes_nothing() {
    let rig = Rig::new("info");
    let control = rig.telemetry.control();
    for (directives, limit, error) in [
        ("info,shop=loud", None, "set_log_filter()=\"info,shop=loud\": expected filter directives"),
        ("debug", Some(Duration::ZERO), "time limit=\"0ns\": expected a time limit over zero"),
        ("debug", Some(Duration::MAX), "expected a time limit over zero and up to 30 days"),
    ] {
        let refused = control.set_log_filter(directives, limit).unwrap_err().to_string();
        assert!(refused.contains(error), "{refused}");
    }
    let control = control.clone();
    assert_eq!((control.log_filter(), rig.changes()), ("info".to_owned(), vec![]));

    rig.telemetry.shutdown().unwrap();
    let refused = control.set_log_filter("debug", None).unwrap_err().to_string();
    assert!(refused.contains("expected a service whose telemetry is not shut down"), "{refused}");
    assert_eq!(control.log_filter(), "info");
}

#[test]
fn a_subscriber_of_the_service_changes_with_the_filter_of_telemetry_only() {
    let rig = Rig::new("info");
    let telemetry = tests::telemetry(&SpanSink::new());
    let variables = |name: &str| (name == "RUST_LOG").then(|| "info".to_owned());
    let (telemetry, own) = telemetry.variables(variables).build().unwrap();
    drop(own);
    let refused = telemetry.control().set_log_filter("debug", None).unwrap_err().to_string();
    assert!(refused.contains("the filter of Telemetry::log_filter()"), "{refused}");

    let lines = fmt::layer().with_writer(rig.lines.clone()).with_filter(telemetry.log_filter());
    let subscriber = Registry::default().with(lines);
    tracing::subscriber::with_default(subscriber, || {
        assert!(!tracing::enabled!(Level::DEBUG));
        telemetry.control().set_log_filter("debug", None).unwrap();
        assert!(tracing::enabled!(Level::DEBUG));
    });
}

impl Rig {
    /// Sends a request, and returns status, body and content type.
    async fn send(
        &self,
        method: &str,
        path: &str,
        body: &'static str,
        fields: &[(&str, &str)],
    ) -> (u16, String, String) {
        let url = format!("http://{}{path}", self.telemetry.metrics_address().unwrap());
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = reqwest::Client::new().request(method, url).body(body);
        let request = fields.iter().fold(request, |it, (name, value)| it.header(*name, *value));
        let response = request.send().await.unwrap();
        let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
        (response.status().as_u16(), response.text().await.unwrap(), content_type)
    }

    fn refusals(&self) -> Vec<String> {
        let lines = self.lines.all();
        lines.into_iter().filter(|line| line.contains("to change a setting is refused")).collect()
    }
}

/// Serves requests that `rig` records, and returns a function that sends one.
async fn served<F: Framework>(rig: &Rig, sink: &SpanSink) -> Server {
    let provider = Provider::from(rig.telemetry.tracer_provider().clone());
    F::serve(Setup { provider, ..Setup::new(sink) }).await
}

async fn call(server: &Server, path: &str) {
    let response = reqwest::get(server.url(path)).await.unwrap();
    response.bytes().await.unwrap();
}

async fn another_sampler_decides_about_the_next_requests<F: Framework>() {
    let sink = SpanSink::new();
    let rig = Rig::recording("info", &sink);
    let server = served::<F>(&rig, &sink).await;
    let control = rig.telemetry.control();

    call(&server, "/items/1").await;
    sink.wait_for(1).await;
    control.set_sampler(Sampler::always_off(), None).unwrap();
    call(&server, "/items/2").await;
    control.reset_sampler().unwrap();
    call(&server, "/items/3").await;

    let spans = sink.wait_for(2).await;
    let paths: Vec<_> = spans.iter().map(|span| span.text("url.path").unwrap()).collect();
    assert_eq!(paths, ["/items/1", "/items/3"]);
    assert!(rig.changes()[0].contains(r#"setting="sampler" value="{\"always_off\":{}}""#));
}

async fn the_sampler_changes_over_http<F: Framework>() {
    let sink = SpanSink::new();
    let rig = Rig::listening(ControlAccess::loopback(), &sink);
    let server = served::<F>(&rig, &sink).await;
    let root = |body: &str| serde_json::from_str::<Value>(body).unwrap()["sampler"].clone();
    let initial = root(&rig.send("GET", SAMPLING, "", &[]).await.1);
    assert_eq!(initial["parent_based"]["root"], json!({ "always_on": {} }));

    let change = r#"{"sampler": "parentbased_always_on", "rules": "/items/*=drop", "seconds": 60}"#;
    let (status, body, _) = rig.send("PUT", SAMPLING, change, &[]).await;
    assert_eq!(status, 200, "{body}");
    call(&server, "/items/1").await;
    call(&server, "/empty").await;

    assert_eq!(sink.only().await.text("url.path"), Some("/empty"));
    assert_eq!(root(&rig.send("DELETE", SAMPLING, "", &[]).await.1), initial);
    call(&server, "/items/2").await;
    assert_eq!(sink.wait_for(2).await[1].text("url.path"), Some("/items/2"));
}

#[tokio::test]
async fn a_sampler_that_is_not_valid_is_refused() {
    let rig = Rig::listening(ControlAccess::loopback(), &SpanSink::new());
    let before = rig.telemetry.control().sampler().to_string();
    for (change, reason) in [
        (r#"{"sampler": "often"}"#, "OTEL_TRACES_SAMPLER=\\\"often\\\": expected always_on"),
        (r#"{"sampler": "traceidratio", "argument": "2"}"#, "expected a ratio from 0 to 1"),
        (r#"{"sampler": "always_on", "rules": "/x=maybe"}"#, "expected rules such as"),
        (r#"{"argument": "1"}"#, "missing field `sampler`"),
        (r#"{"sampler": ""}"#, "expected a sampler such as"),
    ] {
        let (status, text, _) = rig.send("PUT", SAMPLING, change, &[]).await;
        assert_eq!(status, 400, "{text}");
        assert!(text.contains(reason), "{text}");
        assert_eq!(rig.telemetry.control().sampler().to_string(), before);
    }
}

#[test]
fn the_sampler_of_disabled_telemetry_cannot_be_changed() {
    let telemetry = tests::telemetry(&SpanSink::new());
    let variables = |name: &str| (name == "OTEL_SDK_DISABLED").then(|| "true".to_owned());
    let (telemetry, _subscriber) = telemetry.variables(variables).build().unwrap();
    let error = telemetry.control().set_sampler(Sampler::always_on(), None).unwrap_err();
    assert!(error.to_string().contains("that OTEL_SDK_DISABLED does not disable"), "{error}");
    assert!(telemetry.control().reset_sampler().is_err());
}

const SAMPLING: &str = "/control/sampling";
const LOG_FILTER: &str = "/control/log-filter";

#[tokio::test]
async fn the_log_filter_changes_over_http() {
    let rig = Rig::listening(ControlAccess::loopback(), &SpanSink::new());
    let (status, body, content_type) = rig.send("GET", LOG_FILTER, "", &[]).await;
    assert_eq!((status, &*content_type), (200, "application/json"));
    let initial = "{\"filter\":\"opentelemetry=warn,info\",\"reverts_in_seconds\":null}\n";
    assert_eq!(body, initial);

    let change = r#"{"filter": "debug", "seconds": 3600}"#;
    let (status, body, _) = rig.send("PUT", LOG_FILTER, change, &[]).await;
    assert_eq!(status, 200);
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["filter"], "debug");
    assert!((3590..=3600).contains(&body["reverts_in_seconds"].as_u64().unwrap()), "{body}");
    assert!(rig.is_debug_enabled());
    assert!(rig.changes()[0].contains("source=127.0.0.1:"), "{:?}", rig.changes());

    assert_eq!(rig.send("DELETE", LOG_FILTER, "", &[]).await.1, initial);
    assert!(!rig.is_debug_enabled());
}

#[tokio::test]
async fn a_request_that_is_not_valid_is_refused_with_a_reason() {
    for (method, path, body, status, reason) in [
        (
            "PUT",
            LOG_FILTER,
            r#"{"filter": "shop=loud"}"#,
            400,
            "expected filter directives such as",
        ),
        ("PUT", LOG_FILTER, r#"{"filter": "[s{a=.*a....}]=info"}"#, 400, "without patterns"),
        ("PUT", LOG_FILTER, r#"{"filter": "[s{a=a........}]=info"}"#, 400, "without patterns"),
        ("PUT", LOG_FILTER, r#"{"filter": "[s{a=\\w\\w\\w\\w}]=info"}"#, 400, "without patterns"),
        ("PUT", LOG_FILTER, r#"{"filter": "info,[s{a=[a-z]}]=info"}"#, 400, "without patterns"),
        ("PUT", LOG_FILTER, r#"{"filter": 7}"#, 400, "expected a string at line 1"),
        ("PUT", LOG_FILTER, r#"{"filter": "debug", "minutes": 1}"#, 400, "unknown field `minutes`"),
        ("PUT", LOG_FILTER, r#"{"filter": "debug", "seconds": 0}"#, 400, "over zero"),
        ("PUT", LOG_FILTER, r#"{"filter": "debug", "seconds": -1}"#, 400, "expected u64"),
        ("PUT", LOG_FILTER, "debug", 400, "the body is not valid"),
        ("PUT", LOG_FILTER, "", 400, "the body is not valid"),
        ("PUT", LOG_FILTER, str::repeat("debug,", 4096).leak(), 400, "over 16384 bytes"),
        ("POST", LOG_FILTER, r#"{"filter": "debug"}"#, 405, "only GET, HEAD, PUT, DELETE"),
        ("PUT", "/control/everything", "{}", 404, "try /control/log-filter"),
    ] {
        let rig = Rig::listening(ControlAccess::loopback(), &SpanSink::new());
        let (actual, text, content_type) = rig.send(method, path, body, &[]).await;
        assert_eq!(actual, status, "{text}");
        assert!(text.contains(reason), "{text}");
        assert_eq!(content_type == "application/problem+json", status == 400);
        assert_eq!(rig.refusals().len(), usize::from(status == 400), "{:?}", rig.lines.all());
        assert_eq!((rig.is_debug_enabled(), rig.changes()), (false, vec![]));
    }
}

#[tokio::test]
async fn a_request_without_access_is_refused_and_logged() {
    let change = r#"{"filter": "debug"}"#;
    for (access, fields, status) in [
        (ControlAccess::loopback(), ("host", "rebound.example"), 403),
        (ControlAccess::loopback(), ("origin", "http://localhost"), 403),
        (ControlAccess::token("0123456789abcdef"), ("accept", "*/*"), 401),
        (ControlAccess::token("0123456789abcdef"), ("authorization", "Bearer 0123456789"), 401),
    ] {
        let rig = Rig::listening(access, &SpanSink::new());
        for method in ["GET", "PUT", "DELETE"] {
            let (actual, text, _) = rig.send(method, LOG_FILTER, change, &[fields]).await;
            assert_eq!(actual, status, "{text}");
        }
        let refusals = rig.refusals();
        assert!((1..=3).contains(&refusals.len()) && refusals[0].contains("peer=127.0.0.1:"));
        assert_eq!((rig.is_debug_enabled(), rig.changes()), (false, vec![]));
    }
}

#[tokio::test]
async fn the_token_gives_access() {
    let rig = Rig::listening(ControlAccess::token("0123456789abcdef"), &SpanSink::new());
    let token = [("authorization", "Bearer 0123456789abcdef")];
    let (status, ..) = rig.send("PUT", LOG_FILTER, r#"{"filter": "debug"}"#, &token).await;
    assert_eq!((status, rig.is_debug_enabled()), (200, true));
}

#[tokio::test]
async fn no_setting_can_be_changed_by_default() {
    let prometheus = Prometheus::new().listen_on(([127, 0, 0, 1], 0));
    let rig = Rig::build(tests::telemetry(&SpanSink::new()).prometheus(prometheus));
    assert_eq!(rig.send("PUT", LOG_FILTER, r#"{"filter": "debug"}"#, &[]).await.0, 404);
    assert!(!rig.is_debug_enabled());
}

#[test]
fn control_requires_a_listener_and_a_strong_token() {
    let build = |prometheus: Prometheus| {
        let telemetry = tests::telemetry(&SpanSink::new()).prometheus(prometheus);
        telemetry.build().unwrap_err().to_string()
    };
    let listener = Prometheus::new().listen_on(([127, 0, 0, 1], 0));
    let error = build(listener.control(ControlAccess::token("secret")));
    assert!(error.starts_with("ControlAccess::token()=\"***\": expected a token of at"), "{error}");
    let error = build(Prometheus::mounted().control(ControlAccess::loopback()));
    assert!(error.starts_with("control()=\"Prometheus::mounted()\": expected"), "{error}");
}

#[tokio::test]
async fn info_has_settings_findings_and_deliveries_without_secrets() {
    let sink = SpanSink::new();
    let variables = |name: &str| {
        let value = match name {
            "OTEL_EXPORTER_OTLP_HEADERS" => "authorization=Bearer%20hunter2,x-tenant=7",
            "OTEL_EXPORTER_OTLP_ENDPOINT" => "http://127.0.0.1:9",
            "OTEL_BSP_MAX_QUEUE_SIZE" => "many",
            "OTEL_EXPORTER_OTLP_TIMEOUT" => "1",
            "OTEL_BSP_SCHEDULE_DELAY" => "10",
            "OTEL_RESOURCE_ATTRIBUTES" => "team=shop",
            _ => return None,
        };
        Some(value.to_owned())
    };
    let prometheus = Prometheus::new().listen_on(([127, 0, 0, 1], 0));
    let telemetry = Telemetry::builder().variables(variables).service_name("shop");
    let telemetry =
        telemetry.exporter(sink.receiver()).otlp(Otlp::http_protobuf()).prometheus(prometheus);
    let rig = Rig::build(telemetry);
    rig.telemetry.tracer_provider().tracer("test").start("work").end();
    sink.only().await;

    let (status, text, _) = rig.send("GET", "/info", "", &[]).await;

    assert_eq!(status, 200);
    assert!(!text.contains("hunter2"), "{text}");
    let info: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(info["exporters"], json!(["prometheus"]));
    let (settings, exporters) = (&info["status"]["settings"], &info["status"]["exporters"]);
    assert_eq!(settings["OTEL_SERVICE_NAME"], "shop");
    assert_eq!(settings["OTEL_BSP_MAX_QUEUE_SIZE"], "2048");
    assert_eq!(settings["OTEL_PROPAGATORS"], "baggage,traceparent,tracestate");
    assert_eq!(settings["RUST_LOG"], rig.telemetry.control().log_filter());
    assert_eq!(info["status"]["resource"]["team"], "shop");
    let finding = info["status"]["diagnostics"][0].as_str().unwrap();
    assert!(finding.starts_with("OTEL_BSP_MAX_QUEUE_SIZE=\"many\": expected"), "{finding}");
    assert_eq!(exporters[0]["destination"], "exporter()");
    assert_eq!((&exporters[0]["offered"], &exporters[0]["delivered"]), (&json!(1), &json!(1)));
    let otlp = &exporters[1];
    assert_eq!(otlp["signal"], "spans");
    assert_eq!(otlp["options"]["HEADERS"], "authorization=***,x-tenant=***");
    assert_eq!(otlp["options"]["PROTOCOL"], "http/protobuf");
    let [offered, lost, waiting] =
        ["offered", "lost", "waiting"].map(|count| otlp[count].as_u64().unwrap());
    assert_eq!((offered, lost + waiting), (1, 1));
}
