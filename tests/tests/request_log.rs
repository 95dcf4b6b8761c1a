//! The request log: one line for each exchange, however it ends, with its facts.

use std::sync::{Arc, Mutex};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::Sampler;
use reqwest::Client;
use serde_json::Value;
use tests::{
    Ending, Framework, HandlerControl, Lines, Options, Provider, Server, Setup, SpanSink,
    WebSocket, on_both_frameworks,
};
use tracing::{Dispatch, Level};
use tracing_core_ext::{
    exchange::{Outcome, RequestLog},
    http::TrustedProxies,
    telemetry::{LogFormat, Logfmt, Telemetry, TelemetryBuilder, WithTraceIds},
};
use tracing_subscriber::{
    Layer, Registry,
    filter::Targets,
    fmt::{self, format::JsonFields},
    layer::SubscriberExt,
};

on_both_frameworks![
    every_ending_has_one_line,
    an_unsampled_exchange_has_its_line,
    a_line_has_the_facts_of_the_exchange,
    an_upgrade_has_its_line,
    a_filtered_exchange_has_no_line,
    a_rule_chooses_the_level_or_no_line,
    a_rule_that_panics_is_the_default,
    a_level_that_is_not_written_costs_no_line,
    no_value_breaks_a_line,
    queries_are_written_on_request_and_redacted,
    attributes_of_the_handler_are_fields,
    behind_a_proxy_the_client_is_the_forwarded_one,
    a_failure_has_its_reason,
    without_the_option_there_is_no_line,
    other_subscribers_receive_the_event_too,
];

/// Log lines of one server, with the set-up that users install.
struct Rig {
    server: Server,
    control: HandlerControl,
    sink: SpanSink,
    lines: Lines,
    _telemetry: Telemetry,
}

impl Rig {
    async fn serve<F: Framework>(format: LogFormat, options: Options) -> Self {
        Self::serve_with::<F>(format, options, |_| {}).await
    }

    async fn serve_with<F: Framework>(
        format: LogFormat,
        options: Options,
        work: fn(&Setup),
    ) -> Self {
        let (sink, lines) = (SpanSink::new(), Lines::default());
        let (telemetry, subscriber) =
            telemetry(&sink).log_format(format).log_writer(lines.clone()).build().unwrap();
        let provider = Provider::from(telemetry.tracer_provider().clone());
        let options = Some(options);
        let setup = Setup { subscriber, options, work, ..Setup::with_provider(provider) };
        let control = setup.control.clone();
        let server = F::serve(setup).await;
        Self { server, control, sink, lines, _telemetry: telemetry }
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        reqwest::get(self.server.url(path)).await.unwrap()
    }

    /// Stops the server, and returns the lines of the request log.
    async fn lines(self) -> Vec<String> {
        self.server.stop().await;
        requests(&self.lines)
    }

    /// Stops the server, and returns the only line, of JSON.
    async fn only(self) -> Value {
        let lines = self.lines().await;
        assert_eq!(lines.len(), 1, "{lines:#?}");
        serde_json::from_str(&lines[0]).unwrap()
    }
}

/// Returns the lines of the request log.
fn requests(lines: &Lines) -> Vec<String> {
    let lines = lines.all().into_iter();
    lines.filter(|line| line.contains("tracing_core_ext::request_log")).collect()
}

/// Returns telemetry that exports at once.
fn telemetry(sink: &SpanSink) -> TelemetryBuilder {
    tests::telemetry(sink)
        .variables(|name| (name == "OTEL_BSP_SCHEDULE_DELAY").then(|| "1".to_owned()))
}

fn logged(builder: Builder) -> Builder {
    builder.request_log(RequestLog::new())
}

type Builder = tracing_core_ext::exchange::Builder<tracing_core_ext::exchange::Instrumentation>;

use Ending::*;

/// An ending, and the level, the status, `error.type` and the smallest size of the response.
type Expected = (Ending, &'static str, Option<u64>, Option<&'static str>, Option<u64>);

const ENDINGS: [Expected; 11] = [
    (Complete, "INFO", Some(200), None, Some(6)),
    (Empty, "INFO", Some(204), None, Some(0)),
    (Head, "INFO", Some(200), None, Some(0)),
    (NotFound, "WARN", Some(404), None, Some(2)),
    (ServerError, "ERROR", Some(503), Some("503"), Some(2)),
    (Chunked, "INFO", Some(200), None, Some(6)),
    (Panic, "ERROR", None, Some("panic"), None),
    (BodyError, "ERROR", Some(200), Some("body_error"), Some(3)),
    (BodyPanic, "ERROR", Some(200), Some("panic"), Some(3)),
    (GoneBeforeHead, "WARN", None, Some("cancelled_before_head"), None),
    (GoneMidBody, "WARN", Some(200), Some("cancelled_mid_body"), Some(3)),
];

async fn every_ending_has_one_line<F: Framework>() {
    for (ending, level, status, error_type, size) in ENDINGS {
        let rig = Rig::serve::<F>(LogFormat::Json, logged).await;
        ending.play(&rig.server, &rig.control).await;
        let span = rig.sink.only().await;
        let line = rig.only().await;

        let fields = &line["fields"];
        assert_eq!(line["level"], level, "{ending:?}: {line}");
        assert_eq!(fields["http.response.status_code"].as_u64(), status, "{ending:?}: {line}");
        assert_eq!(fields["error.type"].as_str(), error_type, "{ending:?}: {line}");
        let actual = fields["http.response.body.size"].as_u64();
        assert_eq!(actual.is_some(), size.is_some(), "{ending:?}: {line}");
        match ending {
            GoneMidBody => assert!(actual >= size, "{ending:?}: {line}"),
            _ => assert_eq!(actual, size, "{ending:?}: {line}"),
        }
        assert_eq!(line["trace_id"], span.span_context.trace_id().to_string(), "{ending:?}");
        assert_eq!(line["span_id"], span.span_context.span_id().to_string(), "{ending:?}");
    }
}

async fn an_unsampled_exchange_has_its_line<F: Framework>() {
    for (ending, level, status, error_type, _) in ENDINGS {
        let (sink, lines) = (SpanSink::new(), Lines::default());
        let (_telemetry, subscriber) = telemetry(&sink)
            .sampler(tracing_core_ext::trace::Sampler::from(Sampler::AlwaysOff))
            .log_format(LogFormat::Json)
            .log_writer(lines.clone())
            .build()
            .unwrap();
        let provider = Provider::from(_telemetry.tracer_provider().clone());
        let options: Option<Options> = Some(logged);
        let setup = Setup { subscriber, options, ..Setup::with_provider(provider) };
        let (control, server) = (setup.control.clone(), F::serve(setup).await);
        ending.play(&server, &control).await;
        // No span shows that the exchange has ended.
        while requests(&lines).is_empty() {
            tokio::task::yield_now().await;
        }
        server.stop().await;

        let lines = requests(&lines);
        let [line] = &*lines else { panic!("{ending:?}: {lines:#?}") };
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!((&line["level"], &line["trace_flags"]), (&level.into(), &"02".into()));
        let fields = &line["fields"];
        assert_eq!(fields["http.response.status_code"].as_u64(), status, "{ending:?}: {line}");
        assert_eq!(fields["error.type"].as_str(), error_type, "{ending:?}: {line}");
        assert!(sink.spans().is_empty());
    }
}

async fn a_line_has_the_facts_of_the_exchange<F: Framework>() {
    let rig = Rig::serve::<F>(LogFormat::Json, |builder| logged(builder).body_sizes(true)).await;
    let request = Client::new().post(rig.server.url("/echo?token=7")).body("tea");
    request.header("user-agent", "tests/1").send().await.unwrap().bytes().await.unwrap();
    let line = rig.only().await;

    let mut fields = line["fields"].as_object().unwrap().clone();
    let duration = fields.remove("http.server.request.duration").unwrap();
    assert!(duration.as_f64().is_some_and(|it| it > 0.0 && it < 60.0), "{duration}");
    let expected = serde_json::json!({
        "message": "POST /echo",
        "http.request.method": "POST",
        "url.path": "/echo",
        "url.scheme": "http",
        "network.protocol.version": "1.1",
        "http.route": "/echo",
        "http.response.status_code": 200,
        "http.request.body.size": 3,
        "http.response.body.size": 3,
        "client.address": "127.0.0.1",
        "user_agent.original": "tests/1",
    });
    assert_eq!(Value::from(fields), expected);
    assert_eq!(line["target"], "tracing_core_ext::request_log");
    assert_eq!(line["service.name"], "tests");
    // The fields of the request's span would repeat those of the line.
    assert_eq!(line.get("span"), None);
}

async fn an_upgrade_has_its_line<F: Framework>() {
    let rig = Rig::serve::<F>(LogFormat::Json, logged).await;
    let mut socket = WebSocket::open(&rig.server, "/ws").await;
    socket.ask("tea").await.unwrap();
    rig.sink.only().await;
    let lines = rig.lines.all();
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!((lines.len(), &line["level"]), (1, &"INFO".into()), "{lines:#?}");
    assert_eq!(line["fields"]["http.response.status_code"], 101);
    assert_eq!(line["fields"].get("error.type"), None);
}

async fn a_filtered_exchange_has_no_line<F: Framework>() {
    let options = |builder: Builder| logged(builder).filter(|it| it.path() != "/empty");
    let rig = Rig::serve::<F>(LogFormat::Json, options).await;
    rig.get("/empty").await;
    rig.get("/items/7").await;
    assert_eq!(rig.only().await["fields"]["url.path"], "/items/7");
}

async fn a_rule_chooses_the_level_or_no_line<F: Framework>() {
    let options = |builder: Builder| {
        builder.request_log(RequestLog::new().level(|request| {
            assert!(request.outcome() == Outcome::Complete && request.method() == "GET");
            match (request.path(), request.route()) {
                ("/empty", _) => None,
                (_, Some("/items/{id}")) => Some(Level::WARN),
                _ if request.status().is_some_and(|it| it.is_client_error()) => Some(Level::INFO),
                _ => Some(request.default_level()),
            }
        }))
    };
    let rig = Rig::serve::<F>(LogFormat::Json, options).await;
    for path in ["/empty", "/items/7", "/status/404", "/status/503"] {
        rig.get(path).await.bytes().await.unwrap();
    }
    let lines = rig.lines().await;
    let lines: Vec<Value> = lines.iter().map(|it| serde_json::from_str(it).unwrap()).collect();
    let levels: Vec<_> = lines.iter().map(|line| line["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["WARN", "INFO", "ERROR"], "{lines:#?}");
}

async fn a_rule_that_panics_is_the_default<F: Framework>() {
    let options =
        |builder: Builder| builder.request_log(RequestLog::new().level(|_| panic!("scripted")));
    let rig = Rig::serve::<F>(LogFormat::Json, options).await;
    rig.get("/status/404").await;
    assert_eq!(rig.only().await["level"], "WARN");
}

async fn a_level_that_is_not_written_costs_no_line<F: Framework>() {
    let options =
        |builder: Builder| builder.request_log(RequestLog::new().level(|_| Some(Level::DEBUG)));
    let rig = Rig::serve::<F>(LogFormat::Json, options).await;
    rig.get("/items/7").await;
    assert!(rig.lines().await.is_empty());
}

/// Values with line ends, escape sequences and a change of direction, as a path and as a header.
const HOSTILE_PATH: &str = "/a%0Ab%1B%5B2J%E2%80%AE";
const HOSTILE_AGENT: &str = "tea\tlevel=error \u{9b}31m\u{202e}\"\\";
const HOSTILE_VALUE: &str = "tea\nlevel=error ERROR forged\r\u{1b}[2J\u{202e}\u{9b}\u{7f}";

async fn no_value_breaks_a_line<F: Framework>() {
    use LogFormat::{Full, Json, Logfmt, Text};
    for format in [Text, Full, Json, Logfmt] {
        let options = |builder: Builder| {
            builder
                .request_attributes(|_| None)
                .baggage_attributes(["shop.note"])
                .request_log(RequestLog::new().attributes(["shop.note"]))
        };
        let rig = Rig::serve::<F>(format, options).await;
        let note: String = HOSTILE_VALUE.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let request = Client::new().get(rig.server.url(HOSTILE_PATH));
        let agent = http::HeaderValue::from_bytes(HOSTILE_AGENT.as_bytes()).unwrap();
        let request =
            request.header("user-agent", agent).header("baggage", format!("shop.note={note}"));
        request.send().await.unwrap();
        rig.server.stop().await;

        assert!(!rig.lines.all().iter().any(|line| line.starts_with("level=error")));
        let lines = requests(&rig.lines);
        let [line] = &*lines else { panic!("{format:?}: {lines:#?}") };
        assert!(!line.contains(is_unprintable), "{format:?}: {line}");
        match format {
            Json => {
                let line: Value = serde_json::from_str(line).unwrap();
                assert_eq!(line["fields"]["shop.note"], HOSTILE_VALUE);
                assert_eq!(line["fields"]["user_agent.original"], HOSTILE_AGENT);
            }
            Logfmt => {
                assert!(line.contains(r#"level=warn target"#), "{line}");
                assert!(line.contains(r#"shop.note="tea\nlevel=error ERROR forged\r\u001b[2J"#));
                assert!(line.contains(r#"user_agent.original="tea\tlevel=error \u009b"#), "{line}");
            }
            _ => {
                assert!(line.contains(r#"shop.note="tea\nlevel=error ERROR forged\r\u{1b}[2J"#));
                assert!(line.contains(r#"user_agent.original="tea\tlevel=error \u{9b}"#), "{line}");
            }
        }
    }
}

fn is_unprintable(character: char) -> bool {
    character.is_control() || character == '\u{202e}'
}

async fn queries_are_written_on_request_and_redacted<F: Framework>() {
    let options = |builder: Builder| {
        builder.redact_query_keys(["token"]).request_log(RequestLog::new().query(true))
    };
    let rig = Rig::serve::<F>(LogFormat::Json, options).await;
    rig.get("/items/7?a=1&token=secret").await;
    assert_eq!(rig.only().await["fields"]["url.query"], "a=1&token=REDACTED");
}

async fn attributes_of_the_handler_are_fields<F: Framework>() {
    let options = |builder: Builder| {
        let keys = ["cart.items", "cart.bytes", "cart.none", "http.route"];
        builder.request_log(RequestLog::new().attributes(keys))
    };
    let rig = Rig::serve::<F>(LogFormat::Json, options).await;
    rig.get("/extractor").await.bytes().await.unwrap();
    let line = rig.only().await;
    let fields = &line["fields"];
    assert_eq!((&fields["cart.items"], &fields["cart.bytes"]), (&3.into(), &7.into()), "{line}");
    assert_eq!((fields.get("cart.none"), &fields["http.route"]), (None, &"/extractor".into()));
}

async fn behind_a_proxy_the_client_is_the_forwarded_one<F: Framework>() {
    let options = |builder: Builder| {
        let proxies = TrustedProxies::x_forwarded(["127.0.0.0/8"]).unwrap();
        logged(builder).trusted_proxies(proxies)
    };
    let rig = Rig::serve::<F>(LogFormat::Json, options).await;
    let request = Client::new().get(rig.server.url("/items/7"));
    request.header("x-forwarded-for", "192.0.2.7").send().await.unwrap();
    assert_eq!(rig.only().await["fields"]["client.address"], "192.0.2.7");
}

async fn a_failure_has_its_reason<F: Framework>() {
    let rig = Rig::serve::<F>(LogFormat::Json, logged).await;
    rig.get("/fails").await.bytes().await.unwrap();
    let line = rig.only().await;
    let message = line["fields"]["exception.message"].as_str().unwrap();
    assert!(message.contains(": "), "{line}");
    assert_eq!(line["fields"]["http.response.status_code"], 500);
    assert!(line["fields"]["http.response.body.size"].as_u64() > Some(0), "{line}");
}

async fn without_the_option_there_is_no_line<F: Framework>() {
    let rig = Rig::serve::<F>(LogFormat::Json, |builder| builder).await;
    rig.get("/status/503").await.bytes().await.unwrap();
    rig.sink.only().await;
    assert!(rig.lines().await.is_empty());
}

/// Subscribers of users, without our set-up.
async fn other_subscribers_receive_the_event_too<F: Framework>() {
    for (is_ours, is_json) in [(true, true), (true, false), (false, true), (false, false)] {
        let (sink, lines) = (SpanSink::new(), Lines::default());
        let provider = Provider::from(sink.provider());
        let tracer = provider.tracer("users");
        let options: Option<Options> = Some(logged);
        // Each layer has a type of its own.
        macro_rules! text {
            () => {
                fmt::layer().with_ansi(false).with_writer(lines.clone())
            };
        }
        let registry = Registry::default();
        let subscriber: Dispatch = match (is_ours, is_json) {
            (true, true) => registry
                .with(tracing_core_ext::exchange::layer(tracer))
                .with(
                    text!()
                        .fmt_fields(JsonFields::new())
                        .event_format(WithTraceIds::json(fmt::format().json())),
                )
                .into(),
            (true, false) => registry
                .with(tracing_core_ext::exchange::layer(tracer))
                .with(
                    text!()
                        .fmt_fields(Logfmt::new())
                        .event_format(WithTraceIds::logfmt(Logfmt::new())),
                )
                .into(),
            (false, _) => registry
                .with(tracing_opentelemetry::layer().with_tracer(tracer))
                .with(text!().event_format(WithTraceIds::text(fmt::format().with_ansi(false))))
                .into(),
        };
        let setup = Setup { subscriber, options, ..Setup::with_provider(provider) };
        let server = F::serve(setup).await;
        reqwest::get(server.url("/status/503")).await.unwrap().bytes().await.unwrap();
        let span = sink.only().await;
        server.stop().await;

        let lines = requests(&lines);
        let [line] = &*lines else { panic!("{lines:#?}") };
        assert!(line.contains(&span.span_context.span_id().to_string()), "{line}");
        assert!(line.contains("http.response.status_code"), "{line}");
        // A plain layer would make an event of the span of it, and its level the status.
        assert!(span.events.iter().all(|event| event.name != "GET /status/{code}"), "{span:#?}");
    }
}

/// A subscriber that panics is contained, so that the exchange ends.
#[tokio::test]
async fn a_writer_that_panics_does_not_break_the_exchange() {
    let sink = SpanSink::new();
    let panics = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&panics);
    let layer = fmt::layer().with_writer(move || -> std::io::Sink {
        *counted.lock().unwrap() += 1;
        panic!("scripted")
    });
    let filter = Targets::new().with_target("tracing_core_ext::request_log", Level::INFO);
    let options: Option<Options> = Some(logged);
    let subscriber = Registry::default().with(layer.with_filter(filter)).into();
    let setup = Setup { subscriber, options, ..Setup::new(&sink) };
    let server = tests::Axum::serve(setup).await;
    let answer = reqwest::get(server.url("/items/7")).await.unwrap().text().await.unwrap();
    assert_eq!(answer, "item 7");
    sink.only().await;
    assert_eq!(*panics.lock().unwrap(), 1);
}
