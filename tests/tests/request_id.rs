//! The ID of a request: read from the caller or made, and written to the response, the span and the
//! log lines; and attributes of the request in its log lines.

use opentelemetry::trace::TracerProvider as _;
use reqwest::{Client, Response};
use serde_json::Value;
use tests::{
    EndedSpanExt, Framework, Lines, Options, Provider, Server, Setup, SpanSink, on_both_frameworks,
};
use tracing::info;
use tracing_core_ext::{
    exchange::{Builder, Instrumentation, RequestIdPolicy, RequestLog},
    telemetry::{LogFormat, Telemetry, WithTraceIds},
};
use tracing_subscriber::{Layer, Registry, fmt, layer::SubscriberExt};

on_both_frameworks![
    the_id_of_the_caller_is_used_everywhere,
    a_request_without_an_id_gets_one,
    an_id_that_is_not_safe_is_replaced,
    at_a_public_edge_the_id_is_new,
    responses_of_errors_and_of_inner_middleware_have_the_id,
    a_filtered_request_has_an_id_too,
    without_the_option_there_is_no_id,
    a_client_sends_the_id_if_asked,
    attributes_are_in_the_lines_that_follow,
    lines_of_other_subscribers_have_the_id,
    baggage_becomes_attributes_by_allow_list,
    baggage_of_an_untrusted_caller_is_ignored,
];

type MiddlewareBuilder = Builder<Instrumentation>;

struct Rig {
    server: Server,
    sink: SpanSink,
    lines: Lines,
    _telemetry: Telemetry,
}

impl Rig {
    async fn serve<F: Framework>(options: Options) -> Self {
        Self::serve_with::<F>(LogFormat::Json, options, |_| info!("found")).await
    }

    async fn serve_with<F: Framework>(
        format: LogFormat,
        options: Options,
        work: fn(&Setup),
    ) -> Self {
        let (sink, lines) = (SpanSink::new(), Lines::default());
        let (telemetry, subscriber) = tests::telemetry(&sink)
            .variables(|name| (name == "OTEL_BSP_SCHEDULE_DELAY").then(|| "1".to_owned()))
            .log_format(format)
            .log_writer(lines.clone())
            .build()
            .unwrap();
        let provider = Provider::from(telemetry.tracer_provider().clone());
        let options = Some(options);
        let setup = Setup { subscriber, options, work, ..Setup::with_provider(provider) };
        Self { server: F::serve(setup).await, sink, lines, _telemetry: telemetry }
    }

    async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let request = Client::new().get(self.server.url(path));
        let add = |request: reqwest::RequestBuilder, (name, value): &(&str, &str)| {
            request.header(*name, *value)
        };
        headers.iter().fold(request, add).send().await.unwrap()
    }

    /// Returns the only line with this text.
    fn line(&self, text: &str) -> String {
        let lines = self.lines.all();
        let found: Vec<_> = lines.iter().filter(|line| line.contains(text)).collect();
        assert_eq!(found.len(), 1, "{lines:#?}");
        found[0].clone()
    }

    fn json(&self, text: &str) -> Value {
        serde_json::from_str(&self.line(text)).unwrap()
    }
}

fn id_of(response: &Response) -> Option<String> {
    let ids: Vec<_> = response.headers().get_all("x-request-id").iter().collect();
    assert!(ids.len() < 2, "{ids:?}");
    Some(ids.first()?.to_str().unwrap().to_owned())
}

fn accepting(builder: MiddlewareBuilder) -> MiddlewareBuilder {
    builder.request_id(RequestIdPolicy::Accept).request_log(RequestLog::new())
}

async fn the_id_of_the_caller_is_used_everywhere<F: Framework>() {
    let rig = Rig::serve::<F>(accepting).await;
    let response = rig.get("/work", &[("x-request-id", "order-7")]).await;
    assert_eq!(id_of(&response).as_deref(), Some("order-7"));
    assert_eq!(rig.sink.only().await.text("request_id"), Some("order-7"));
    assert_eq!(rig.json("found")["request_id"], "order-7");
    let line = rig.json("request_log");
    assert_eq!(line["fields"]["request_id"], "order-7");
    assert_eq!(line.get("request_id"), None, "the line has the ID once");

    let response = rig.get("/id", &[("x-request-id", "order-8")]).await;
    assert_eq!(response.text().await.unwrap(), "order-8");
}

async fn a_request_without_an_id_gets_one<F: Framework>() {
    let rig = Rig::serve::<F>(accepting).await;
    let response = rig.get("/id", &[]).await;
    let id = id_of(&response).unwrap();
    assert_eq!((id.len(), &id[14..15]), (36, "7"), "{id}");
    assert_eq!(response.text().await.unwrap(), id);
    assert_ne!(id_of(&rig.get("/id", &[]).await), Some(id));
}

async fn an_id_that_is_not_safe_is_replaced<F: Framework>() {
    let rig = Rig::serve::<F>(accepting).await;
    let long = "x".repeat(129);
    for id in ["", "a b", "a\tb", "a\"b", "<b>", "a,b", "a%0ab", &long] {
        let made = id_of(&rig.get("/id", &[("x-request-id", id)]).await).unwrap();
        assert_eq!(made.len(), 36, "{id:?}: {made}");
    }
    let twice = [("x-request-id", "a"), ("x-request-id", "b")];
    assert_eq!(id_of(&rig.get("/id", &twice).await).unwrap().len(), 36);
}

async fn at_a_public_edge_the_id_is_new<F: Framework>() {
    let options = |builder: MiddlewareBuilder| builder.request_id(RequestIdPolicy::Generate);
    let rig = Rig::serve::<F>(options).await;
    let id = id_of(&rig.get("/id", &[("x-request-id", "order-7")]).await).unwrap();
    assert_eq!(id.len(), 36);
}

async fn responses_of_errors_and_of_inner_middleware_have_the_id<F: Framework>() {
    let rig = Rig::serve::<F>(accepting).await;
    for (path, status) in [("/late", 503), ("/fails", 500), ("/status/404", 404), ("/none", 404)] {
        let response = rig.get(path, &[("x-request-id", "order-7")]).await;
        assert_eq!(response.status(), status, "{path}");
        assert_eq!(id_of(&response).as_deref(), Some("order-7"), "{path}");
    }
}

async fn a_filtered_request_has_an_id_too<F: Framework>() {
    let options = |builder: MiddlewareBuilder| accepting(builder).filter(|_| false);
    let rig = Rig::serve::<F>(options).await;
    let response = rig.get("/work", &[("x-request-id", "order-7")]).await;
    assert_eq!(id_of(&response).as_deref(), Some("order-7"));
    assert_eq!(rig.json("found")["request_id"], "order-7");
}

async fn without_the_option_there_is_no_id<F: Framework>() {
    let rig = Rig::serve::<F>(|builder| builder.request_log(RequestLog::new())).await;
    let response = rig.get("/work", &[("x-request-id", "order-7")]).await;
    assert_eq!(id_of(&response), None);
    assert_eq!(rig.sink.only().await.text("request_id"), None);
    assert_eq!(rig.json("found").get("request_id"), None);
    assert_eq!(rig.json("request_log")["fields"].get("request_id"), None);
    assert_eq!(rig.get("/id", &[]).await.status(), 500);
}

async fn a_client_sends_the_id_if_asked<F: Framework>() {
    for (sends_request_id, expected) in [(true, Some("order-7")), (false, None)] {
        let next = F::serve(Setup::new(&SpanSink::new())).await;
        let options: Option<Options> = Some(accepting);
        let forward = Some(next.url("/headers"));
        let setup = Setup { options, forward, sends_request_id, ..Setup::new(&SpanSink::new()) };
        let server = F::serve(setup).await;
        let request = Client::new().get(server.url("/forward")).header("x-request-id", "order-7");
        let headers = request.send().await.unwrap().text().await.unwrap();
        let sent = headers.lines().find_map(|line| line.strip_prefix("x-request-id: "));
        assert_eq!(sent, expected, "{headers}");
    }
}

async fn attributes_are_in_the_lines_that_follow<F: Framework>() {
    let options = |builder: MiddlewareBuilder| {
        builder
            .log_attributes(["shop.tenant", "shop.items"])
            .baggage_attributes(["shop.tenant"])
            .request_log(RequestLog::new())
    };
    let work = |_: &Setup| {
        info!("found");
        tracing::info_span!("user").in_scope(|| info!("nested"));
    };
    let note = "tea%0A%1B%5B2J%22";
    for (format, tenant) in [
        (LogFormat::Text, r#" shop.tenant="tea\n\u{1b}[2J\"" "#),
        (LogFormat::Json, r#","shop.tenant":"tea\n\u001b[2J\"""#),
        (LogFormat::Logfmt, r#" shop.tenant="tea\n\u001b[2J\"" "#),
    ] {
        let rig = Rig::serve_with::<F>(format, options, work).await;
        let baggage = format!("shop.tenant={note}");
        rig.get("/work", &[("baggage", &baggage)]).await;
        for text in ["found", "nested", "request_log"] {
            let line = rig.line(text);
            assert_eq!(line.matches("shop.tenant").count(), 1, "{line}");
            assert!(line.contains(tenant), "{format:?}: {line}");
            assert!(!line.contains(char::is_control), "{line}");
        }
        assert!(!rig.lines.all().iter().any(|line| line.contains("shop.items")));
    }
}

/// Subscribers of users, with our layer, a plain one and none, and providers of this crate and of the SDK.
async fn lines_of_other_subscribers_have_the_id<F: Framework>() {
    for (has_layer, is_ours) in [(true, true), (true, false), (false, false)] {
        let (sink, lines) = (SpanSink::new(), Lines::default());
        let own = tracing_core_ext::trace::TracerProvider::builder().build();
        for provider in [Provider::from(sink.provider()), Provider::from(own)] {
            let tracer = provider.tracer("users");
            let spans = match (has_layer, is_ours) {
                (true, true) => tracing_core_ext::exchange::layer(tracer).boxed(),
                (true, false) => tracing_opentelemetry::layer().with_tracer(tracer).boxed(),
                _ => tracing_subscriber::layer::Identity::new().boxed(),
            };
            let text = fmt::layer().with_ansi(false).with_writer(lines.clone());
            let text = text.event_format(WithTraceIds::text(fmt::format().with_ansi(false)));
            let subscriber = Registry::default().with(spans).with(text).into();
            let options: Option<Options> = Some(accepting);
            let work = |_: &Setup| {
                info!("found");
                tracing::info_span!("user").in_scope(|| info!("nested"));
            };
            let setup = Setup { subscriber, options, work, ..Setup::with_provider(provider) };
            let server = F::serve(setup).await;
            let request = Client::new().get(server.url("/work"));
            request.header("x-request-id", "order-7").send().await.unwrap();
        }
        let lines = lines.all();
        for text in ["found", "nested", "tracing_core_ext::request_log"] {
            let found: Vec<_> = lines.iter().filter(|line| line.contains(text)).collect();
            assert_eq!(found.len(), 2, "{text}: {lines:#?}");
            for line in found {
                assert_eq!(line.matches(r#"request_id="order-7""#).count(), 1, "{line}");
            }
        }
    }
}

async fn baggage_becomes_attributes_by_allow_list<F: Framework>() {
    let options =
        |builder: MiddlewareBuilder| builder.baggage_attributes(["shop.tenant", "shop.none"]);
    let rig = Rig::serve::<F>(options).await;
    rig.get("/items/7", &[("baggage", "shop.tenant=blue%20cup,other=1")]).await;
    let span = rig.sink.only().await;
    assert_eq!(span.text("shop.tenant"), Some("blue cup"));
    assert_eq!((span.text("other"), span.text("shop.none")), (None, None));
}

async fn baggage_of_an_untrusted_caller_is_ignored<F: Framework>() {
    use tracing_core_ext::exchange::TrustPolicy::LinkOnly;
    let options =
        |builder: MiddlewareBuilder| builder.baggage_attributes(["shop.tenant"]).trust(LinkOnly);
    let rig = Rig::serve::<F>(options).await;
    rig.get("/items/7", &[("baggage", "shop.tenant=blue")]).await;
    assert_eq!(rig.sink.only().await.text("shop.tenant"), None);
}
