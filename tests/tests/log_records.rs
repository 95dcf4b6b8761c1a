//! Events within a request are exported as log records with its ids, with any `tracing` subscriber, and
//! its exceptions if that is configured.

use serde_json::Value;
use tests::{
    Framework, HandlerControl, LogSink, Options, ScriptStep, Server, Setup, SpanSink,
    log_attribute, on_both_frameworks,
};
use tracing::{Dispatch, Instrument, info, warn_span};
use tracing_core_ext::testing::EndedSpan;
use tracing_core_ext::{
    exchange::{RequestIdPolicy, RequestLog},
    telemetry::{Telemetry, TelemetryBuilder},
    trace::{Retention, Sampler},
};
use tracing_subscriber::{
    Layer, Registry, filter::LevelFilter, layer::SubscriberExt, registry::LookupSpan,
};

on_both_frameworks![
    a_record_of_the_handler_has_the_ids_of_the_request,
    a_record_in_a_span_of_the_user_has_the_ids_of_that_span,
    a_record_with_an_explicit_parent_has_its_ids,
    a_record_of_the_body_has_the_ids_of_the_request,
    a_record_of_a_task_in_the_current_span_has_the_ids_of_the_request,
    a_record_outside_of_any_request_has_none,
    a_record_has_the_id_and_the_attributes_of_its_request,
    the_request_log_is_a_record_with_typed_attributes,
    no_value_is_lost_or_breaks_a_record,
    a_shutdown_delivers_every_record,
    an_exception_is_a_span_event_by_default,
    an_exception_is_a_record_with_the_ids_of_the_request,
    an_exception_is_both,
    an_exception_stays_a_span_event_without_an_exporter_of_log_records,
    an_exception_of_a_client_is_a_record_with_the_ids_of_its_call,
    an_error_that_a_handler_records_is_a_record,
    records_of_a_trace_that_waits_have_the_flag_of_its_decision,
];

/// Subscriber of the events: that of `Telemetry`, the same with a layer of the user, or one of the user.
#[derive(Clone, Copy, Debug)]
enum Subscriber {
    Telemetry,
    WithLayer,
    OfUser,
}

const ALL: [Subscriber; 3] = [Subscriber::Telemetry, Subscriber::WithLayer, Subscriber::OfUser];

const SIGNAL: &str = "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN";

async fn a_record_of_the_handler_has_the_ids_of_the_request<F: Framework>() {
    for subscriber in ALL {
        let work = |_: &Setup| info!(target: "shop::stock", item = "tea", left = 3, "found");
        let rig = Rig::serve::<F>(subscriber, work).await;
        rig.visit("/work").await;
        let record = rig.logs.only().await;
        assert_ids(&record, &rig.sink.only().await);
        assert_eq!(record["body"]["stringValue"], "found");
        assert_eq!(
            (&record["severityNumber"], &record["severityText"]),
            (&9.into(), &"INFO".into())
        );
        assert_eq!(record["scope"], "shop::stock");
        assert_eq!(log_attribute(&record, "item").unwrap(), "tea");
        assert_eq!(log_attribute(&record, "left").unwrap(), "3");
        assert_eq!(log_attribute(&record, "code.file.path").unwrap(), file!());
        let service = record["resource"].as_array().unwrap().iter();
        assert!(service.clone().any(|it| it["key"] == "service.name"), "{record}");
    }
}

async fn a_record_in_a_span_of_the_user_has_the_ids_of_that_span<F: Framework>() {
    for subscriber in ALL {
        let work = |_: &Setup| warn_span!("user").in_scope(|| info!("found"));
        let rig = Rig::serve::<F>(subscriber, work).await;
        rig.visit("/work").await;
        let spans = rig.sink.wait_for(2).await;
        assert_eq!(spans[0].name, "user");
        assert_ids(&rig.logs.only().await, &spans[0]);
    }
}

async fn a_record_with_an_explicit_parent_has_its_ids<F: Framework>() {
    for subscriber in ALL {
        let work = |_: &Setup| {
            let user = warn_span!("user");
            warn_span!("other").in_scope(|| info!(parent: &user, "found"));
        };
        let rig = Rig::serve::<F>(subscriber, work).await;
        rig.visit("/work").await;
        let spans = rig.sink.wait_for(3).await;
        let user = spans.iter().find(|span| span.name == "user").unwrap();
        assert_ids(&rig.logs.only().await, user);
    }
}

async fn a_record_of_the_body_has_the_ids_of_the_request<F: Framework>() {
    for subscriber in ALL {
        let rig = Rig::serve::<F>(subscriber, |_| {}).await;
        let script = rig.control.script();
        script.send(ScriptStep::Data("a")).unwrap();
        script.send(ScriptStep::Run(Box::new(|| info!("found")))).unwrap();
        drop(script);
        rig.visit("/stream").await;
        assert_ids(&rig.logs.only().await, &rig.sink.only().await);
    }
}

async fn a_record_of_a_task_in_the_current_span_has_the_ids_of_the_request<F: Framework>() {
    for subscriber in ALL {
        let work = |setup: &Setup| {
            let control = setup.control.clone();
            let task = async move {
                control.released().await;
                info!("found");
            };
            tokio::spawn(task.in_current_span());
        };
        let rig = Rig::serve::<F>(subscriber, work).await;
        rig.visit("/work").await;
        let request = rig.sink.only().await;
        rig.control.release();
        assert_ids(&rig.logs.only().await, &request);
    }
}

async fn a_record_outside_of_any_request_has_none<F: Framework>() {
    for subscriber in ALL {
        let rig =
            Rig::serve::<F>(subscriber, |_| drop(tokio::spawn(async { info!("found") }))).await;
        rig.visit("/work").await;
        let record = rig.logs.only().await;
        assert_eq!(record["traceId"].as_str().unwrap_or_default(), "", "{record}");
        assert_eq!(record["spanId"].as_str().unwrap_or_default(), "", "{record}");
    }
}

const FORGED: &str = "tea\nERROR forged\u{9b}31m\u{202e}\u{1b}[2J\u{7f}\u{0}";

fn with_request_log(setup: Setup) -> Setup {
    let options: Option<Options> = Some(|builder| {
        let log = RequestLog::new().attributes(["cart.items"]);
        builder.request_id(RequestIdPolicy::Accept).log_attributes(["cart.bytes"]).request_log(log)
    });
    Setup { options, ..setup }
}

async fn a_record_has_the_id_and_the_attributes_of_its_request<F: Framework>() {
    for subscriber in ALL {
        let work = |_: &Setup| info!("found");
        let change = |setup| Setup {
            options: Some(|builder| {
                builder
                    .request_id(RequestIdPolicy::Generate)
                    .baggage_attributes(["shop.tenant"])
                    .log_attributes(["shop.tenant", "shop.none"])
            }),
            ..setup
        };
        let rig = Rig::with::<F>(subscriber, work, &[], change).await;
        let request = reqwest::Client::new().get(rig.server.url("/work"));
        request.header("baggage", "shop.tenant=blue").send().await.unwrap();
        let record = rig.logs.only().await;
        assert_eq!(log_attribute(&record, "shop.tenant").unwrap(), "blue");
        assert_eq!(log_attribute(&record, "request_id").unwrap().as_str().unwrap().len(), 36);
        assert_eq!(log_attribute(&record, "shop.none"), None);
    }
}

async fn the_request_log_is_a_record_with_typed_attributes<F: Framework>() {
    for subscriber in ALL {
        let rig = Rig::with::<F>(subscriber, |_| {}, &[], with_request_log).await;
        rig.visit("/extractor").await;
        let record = rig.logs.only().await;
        assert_ids(&record, &rig.sink.only().await);
        assert_eq!(record["scope"], "tracing_core_ext::request_log");
        assert_eq!(record["eventName"], "tracing_core_ext.request");
        assert_eq!(record["body"]["stringValue"], "GET /extractor");
        let attributes = record["attributes"].as_array().unwrap();
        let value = |key: &str| {
            let mut found = attributes.iter().filter(|it| it["key"] == key);
            let value = found.next().map(|it| it["value"].clone());
            assert_eq!(found.next(), None, "{key} is there once");
            value.unwrap_or_default()
        };
        assert_eq!(value("http.response.status_code")["intValue"], "200");
        assert_eq!(value("http.route")["stringValue"], "/extractor");
        assert_eq!(
            (&value("cart.items")["intValue"], &value("cart.bytes")["intValue"]),
            (&"3".into(), &"7".into())
        );
        assert!(value("http.server.request.duration")["doubleValue"].as_f64() > Some(0.0));
        assert_eq!(value("request_id")["stringValue"].as_str().unwrap().len(), 36);
    }
}

async fn no_value_is_lost_or_breaks_a_record<F: Framework>() {
    let work = |_: &Setup| info!(user = %FORGED, name = FORGED, large = "x".repeat(1 << 20), "found {FORGED}");
    let rig = Rig::serve::<F>(Subscriber::Telemetry, work).await;
    rig.visit("/work").await;
    let record = rig.logs.only().await;
    assert_eq!(record["body"]["stringValue"], format!("found {FORGED}"));
    assert_eq!(log_attribute(&record, "user").unwrap(), FORGED);
    assert_eq!(log_attribute(&record, "name").unwrap(), FORGED);
    assert_eq!(log_attribute(&record, "large").unwrap().as_str().unwrap().len(), 1 << 20);
}

async fn a_shutdown_delivers_every_record<F: Framework>() {
    const REQUESTS: usize = 50;
    let rig = Rig::with::<F>(Subscriber::Telemetry, |_| info!("found"), &LATE, |it| it).await;
    for _ in 0..REQUESTS {
        rig.visit("/work").await;
    }
    rig.server.stop().await;
    let logs = rig.logs;
    tokio::task::spawn_blocking(|| rig.telemetry.shutdown()).await.unwrap().unwrap();
    let records = logs.records();
    let found = records.iter().filter(|record| record["body"]["stringValue"] == "found").count();
    assert_eq!(found, REQUESTS, "{records:#?}");
}

/// Nothing is exported before the shutdown.
const LATE: [(&str, &str); 1] = [("OTEL_BLRP_SCHEDULE_DELAY", "3600000")];

async fn an_exception_is_a_span_event_by_default<F: Framework>() {
    let rig = Rig::serve::<F>(Subscriber::Telemetry, |_| {}).await;
    rig.visit("/fails").await;
    assert_eq!(exceptions(&rig.sink.only().await), ["the order failed: no stock"]);
    let logs = rig.logs;
    tokio::task::spawn_blocking(|| rig.telemetry.shutdown()).await.unwrap().unwrap();
    assert_eq!(logs.records(), Vec::<Value>::new());
}

async fn an_exception_is_a_record_with_the_ids_of_the_request<F: Framework>() {
    for subscriber in ALL {
        let rig = Rig::with::<F>(subscriber, |_| {}, &[(SIGNAL, "logs")], |it| it).await;
        rig.visit("/fails").await;
        let span = rig.sink.only().await;
        assert_eq!(exceptions(&span), [""; 0]);
        let record = rig.logs.only().await;
        assert_ids(&record, &span);
        assert_eq!(record["eventName"], "http.server.request.exception");
        assert_eq!(
            (&record["severityNumber"], &record["severityText"]),
            (&17.into(), &"ERROR".into())
        );
        let message = log_attribute(&record, "exception.message").unwrap();
        assert_eq!(message, "the order failed: no stock");
        let type_name = log_attribute(&record, "exception.type");
        assert!(type_name.is_none_or(|it| it.as_str().unwrap().contains("OrderError")), "{record}");
    }
}

async fn an_exception_is_both<F: Framework>() {
    let rig = Rig::with::<F>(Subscriber::Telemetry, |_| {}, &[(SIGNAL, "logs/dup")], |it| it).await;
    rig.visit("/panic").await;
    let span = rig.sink.only().await;
    let [message] = &exceptions(&span)[..] else { panic!("{span:#?}") };
    let record = rig.logs.only().await;
    assert_ids(&record, &span);
    assert_eq!(log_attribute(&record, "exception.message").unwrap(), message);
}

async fn an_exception_stays_a_span_event_without_an_exporter_of_log_records<F: Framework>() {
    let (sink, lines) = (SpanSink::new(), tests::Lines::default());
    let (telemetry, subscriber) = tests::telemetry(&sink)
        .log_writer(lines.clone())
        .variables(|name| match name {
            SIGNAL => Some("logs".to_owned()),
            "OTEL_BSP_SCHEDULE_DELAY" => Some("1".to_owned()),
            _ => None,
        })
        .build()
        .unwrap();
    let provider = telemetry.tracer_provider().clone();
    let server = F::serve(Setup { subscriber, ..Setup::with_provider(provider) }).await;
    let _ = reqwest::get(server.url("/fails")).await;
    assert_eq!(exceptions(&sink.only().await), ["the order failed: no stock"]);
    let expected = format!("{SIGNAL}=\"logs\": expected an exporter of log records beside it");
    let warnings = lines.all().iter().filter(|line| line.contains(&expected)).count();
    assert_eq!(warnings, 1, "{:?}", lines.all());
}

async fn an_exception_of_a_client_is_a_record_with_the_ids_of_its_call<F: Framework>() {
    let rig = Rig::with::<F>(
        Subscriber::Telemetry,
        |_| {},
        &[(SIGNAL, "logs")],
        |setup| Setup {
            // Nothing listens there.
            forward: Some("http://127.0.0.1:1/".to_owned()),
            ..setup
        },
    )
    .await;
    rig.visit("/forward").await;
    let spans = rig.sink.wait_for(2).await;
    assert!(spans.iter().all(|span| exceptions(span).is_empty()), "{spans:#?}");
    let records = rig.logs.wait_for(2).await;
    for (name, kind, severity) in [
        ("http.client.request.exception", "Client", 13),
        ("http.server.request.exception", "Server", 17),
    ] {
        let record = records.iter().find(|record| record["eventName"] == name);
        let record = record.unwrap_or_else(|| panic!("no {name} in {records:#?}"));
        let span = spans.iter().find(|span| format!("{:?}", span.span_kind) == kind).unwrap();
        assert_ids(record, span);
        assert_eq!(record["severityNumber"], severity);
    }
}

async fn an_error_that_a_handler_records_is_a_record<F: Framework>() {
    use opentelemetry::{Context, trace::TraceContextExt};

    let work = |_: &Setup| {
        Context::current().span().record_error(&tests::OrderError::default());
    };
    let rig = Rig::with::<F>(Subscriber::Telemetry, work, &[(SIGNAL, "logs")], |it| it).await;
    rig.visit("/work").await;
    let span = rig.sink.only().await;
    assert_eq!(exceptions(&span), [""; 0]);
    let record = rig.logs.only().await;
    assert_ids(&record, &span);
    assert_eq!(log_attribute(&record, "exception.message").unwrap(), "the order failed");
}

async fn records_of_a_trace_that_waits_have_the_flag_of_its_decision<F: Framework>() {
    let kept_if_failed = |builder: TelemetryBuilder| {
        let head = Sampler::parent_based(Sampler::always_off());
        builder.sampler(Sampler::retain(head, Retention::new()).unwrap())
    };
    let fails = |_: &Setup| {
        info!("found");
        panic!("it is broken");
    };
    for subscriber in ALL {
        for (work, count) in [((|_| info!("found")) as fn(&Setup), 2), (fails, 3)] {
            let variables = &[(SIGNAL, "logs")];
            let rig =
                Rig::build::<F>(subscriber, work, variables, kept_if_failed, with_request_log)
                    .await;
            rig.visit("/work").await;
            let records = rig.logs.wait_for(count).await;
            rig.telemetry.shutdown().unwrap();
            let spans = rig.sink.spans();
            assert_eq!(spans.len(), usize::from(count == 3), "{records:#?}");
            for record in &records {
                let is_sampled = record["flags"].as_u64().unwrap() & 1;
                assert_eq!(is_sampled, spans.len() as u64, "{record}");
                spans.iter().for_each(|span| assert_ids(record, span));
            }
        }
    }
}

/// Returns the messages of the exceptions in a span.
fn exceptions(span: &EndedSpan) -> Vec<String> {
    let exceptions = span.events.iter().filter(|event| event.name == "exception");
    let attributes = exceptions.flat_map(|event| &event.attributes);
    let messages = attributes.filter(|it| it.key.as_str() == "exception.message");
    messages.map(|it| it.value.as_str().into_owned()).collect()
}

struct Rig {
    server: Server,
    control: HandlerControl,
    sink: SpanSink,
    logs: LogSink,
    telemetry: Telemetry,
}

impl Rig {
    async fn serve<F: Framework>(subscriber: Subscriber, work: fn(&Setup)) -> Self {
        Self::with::<F>(subscriber, work, &[], |setup| setup).await
    }

    async fn with<F: Framework>(
        subscriber: Subscriber,
        work: fn(&Setup),
        variables: &'static [(&'static str, &'static str)],
        change: fn(Setup) -> Setup,
    ) -> Self {
        Self::build::<F>(subscriber, work, variables, |builder| builder, change).await
    }

    async fn build<F: Framework>(
        subscriber: Subscriber,
        work: fn(&Setup),
        variables: &'static [(&'static str, &'static str)],
        telemetry: fn(TelemetryBuilder) -> TelemetryBuilder,
        change: fn(Setup) -> Setup,
    ) -> Self {
        let (sink, logs) = (SpanSink::new(), LogSink::start());
        let builder = telemetry(logs.telemetry(&sink, variables));
        let (telemetry, subscriber) = built(subscriber, builder);
        let provider = telemetry.tracer_provider().clone();
        let setup = Setup { subscriber, work, ..Setup::with_provider(provider) };
        let setup = change(setup);
        let control = setup.control.clone();
        let server = F::serve(setup).await;
        Self { server, control, sink, logs, telemetry }
    }

    /// A handler may panic.
    async fn visit(&self, path: &str) {
        if let Ok(response) = reqwest::get(self.server.url(path)).await {
            response.bytes().await.unwrap();
        }
    }
}

fn built(subscriber: Subscriber, builder: TelemetryBuilder) -> (Telemetry, Dispatch) {
    match subscriber {
        Subscriber::Telemetry => builder.build().unwrap(),
        Subscriber::WithLayer => builder.layer(nothing()).build().unwrap(),
        Subscriber::OfUser => {
            let (telemetry, _) = builder.build().unwrap();
            let spans = telemetry.layer(LevelFilter::INFO);
            let subscriber = Registry::default().with(spans).with(telemetry.log_layer());
            (telemetry, subscriber.into())
        }
    }
}

fn nothing<S>() -> impl Layer<S> + Send + Sync
where
    S: tracing::Subscriber + for<'span> LookupSpan<'span>,
{
    tracing_subscriber::layer::Identity::new()
}

fn assert_ids(record: &Value, span: &EndedSpan) {
    let context = &span.span_context;
    assert_eq!(record["traceId"], context.trace_id().to_string(), "{record}");
    assert_eq!(record["spanId"], context.span_id().to_string(), "{record}");
    assert_eq!(record["flags"], context.trace_flags().to_u8());
}
