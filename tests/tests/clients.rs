//! Claims about the client of actix and the client as a Tower layer, which are the same.

use axum::{body::Body, http::Request};
use http_body_util::BodyExt;
use hyper_util::{client::legacy, rt::TokioExecutor};
use opentelemetry::{
    Context,
    trace::{TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_sdk::trace::Sampler;
use tests::{
    Actix, Axum, EndedSpanExt, Framework, MetricSink, Server, Setup, SpanSink, assert_error,
};
use tower::{Layer, Service};
use tracing_actix_middleware::client::ClientTracing;
use tracing_core_ext::testing::EndedSpan;
use tracing_core_ext::{
    client::ClientLayer,
    exchange::{Builder, ClientMiddleware, Instrumentation},
    http::AllowedHosts,
};

/// An instrumented client, and the framework of the servers that it calls.
trait TracedClient {
    type Tracing: From<Instrumentation> + ClientMiddleware;
    type Framework: Framework;

    fn without_options() -> Self::Tracing;

    fn builder() -> Builder<Self::Tracing>;

    /// Sends a request before the future is polled. Its output is the body of the response.
    fn get(
        tracing: Self::Tracing,
        url: &str,
        headers: &[(&'static str, &str)],
    ) -> impl Future<Output = String>;
}

struct Awc;

impl TracedClient for Awc {
    type Tracing = ClientTracing;
    type Framework = Actix;

    fn without_options() -> ClientTracing {
        ClientTracing::new()
    }

    fn builder() -> Builder<ClientTracing> {
        ClientTracing::builder()
    }

    fn get(
        tracing: ClientTracing,
        url: &str,
        headers: &[(&'static str, &str)],
    ) -> impl Future<Output = String> {
        let client = awc::Client::builder().wrap(tracing).finish();
        let request = headers.iter().fold(client.get(url), |it, field| it.insert_header(*field));
        let sending = request.send();
        async { text(&sending.await.unwrap().body().await.unwrap()) }
    }
}

/// hyper's client below the Tower layer.
struct Hyper;

impl TracedClient for Hyper {
    type Tracing = ClientLayer;
    type Framework = Axum;

    fn without_options() -> ClientLayer {
        ClientLayer::new()
    }

    fn builder() -> Builder<ClientLayer> {
        ClientLayer::builder()
    }

    fn get(
        tracing: ClientLayer,
        url: &str,
        headers: &[(&'static str, &str)],
    ) -> impl Future<Output = String> {
        let client = legacy::Client::builder(TokioExecutor::new()).build_http::<Body>();
        let request =
            headers.iter().fold(Request::get(url), |it, (name, value)| it.header(*name, *value));
        let sending = tracing.layer(client).call(request.body(Body::empty()).unwrap());
        async { text(&sending.await.unwrap().into_body().collect().await.unwrap().to_bytes()) }
    }
}

fn text(body: &[u8]) -> String {
    String::from_utf8(body.to_vec()).unwrap()
}

/// Runs each scenario, an `async fn name<C: TracedClient>()`, with both clients.
macro_rules! with_both_clients {
    ($($scenario:ident),+ $(,)?) => {
        mod awc_client {
            $(#[actix_web::test]
            async fn $scenario() {
                super::$scenario::<super::Awc>().await;
            })+
        }
        mod tower_layer {
            $(#[tokio::test]
            async fn $scenario() {
                super::$scenario::<super::Hyper>().await;
            })+
        }
    };
}

with_both_clients![
    a_status_of_400_or_above_is_an_error,
    without_an_sdk_the_current_context_goes_out,
    below_a_filter_the_current_context_goes_out,
    an_unsampled_request_still_carries_the_trace,
    an_exchange_is_measured_once_sampled_or_not,
    trace_context_is_sent_only_to_allowed_hosts,
];

async fn server<C: TracedClient>() -> Server {
    C::Framework::serve(Setup::new(&SpanSink::new())).await
}

fn recorded<C: TracedClient>(sink: &SpanSink) -> Builder<C::Tracing> {
    C::builder().tracer_provider(&sink.provider())
}

async fn a_status_of_400_or_above_is_an_error<C: TracedClient>() {
    for status in [400, 404, 500, 503] {
        let (server, sink) = (server::<C>().await, SpanSink::new());
        let url = server.url(&format!("/status/{status}"));

        C::get(recorded::<C>(&sink).build(), &url, &[]).await;

        let span = sink.only().await;
        assert_eq!(span.integer("http.response.status_code"), Some(status));
        assert_error(&span, &status.to_string());
    }
}

/// Returns the current span, and the `traceparent` that the server receives for a request below it.
async fn sent_below_a_span<C: TracedClient>(tracing: C::Tracing) -> (EndedSpan, String) {
    let (server, users) = (server::<C>().await, SpanSink::new());
    let current = Context::new().with_span(users.provider().tracer("users").start("parent"));

    let url = server.url("/headers");
    let sending = {
        let _attached = current.clone().attach();
        C::get(tracing, &url, &[])
    };
    let headers = sending.await;
    current.span().end();

    let traceparent = headers.lines().find_map(|line| line.strip_prefix("traceparent: ")).unwrap();
    (users.only().await, traceparent.to_owned())
}

async fn without_an_sdk_the_current_context_goes_out<C: TracedClient>() {
    let (parent, traceparent) = sent_below_a_span::<C>(C::without_options()).await;

    let trace = parent.span_context.trace_id();
    assert_eq!(traceparent, format!("00-{trace}-{}-03", parent.id()));
}

async fn below_a_filter_the_current_context_goes_out<C: TracedClient>() {
    let sink = SpanSink::new();
    let tracing = recorded::<C>(&sink).filter(|request| request.path() != "/headers").build();

    let (parent, traceparent) = sent_below_a_span::<C>(tracing).await;

    let trace = parent.span_context.trace_id();
    assert_eq!(traceparent, format!("00-{trace}-{}-03", parent.id()));
    assert!(sink.spans().is_empty());
}

async fn an_unsampled_request_still_carries_the_trace<C: TracedClient>() {
    let sink = SpanSink::new();
    let provider = sink.provider_sampling(Sampler::AlwaysOff);
    let tracing = C::builder().tracer_provider(&provider).build();

    let (parent, traceparent) = sent_below_a_span::<C>(tracing).await;

    let trace = parent.span_context.trace_id().to_string();
    assert!(traceparent.starts_with(&format!("00-{trace}-")), "{traceparent}");
    assert!(traceparent.ends_with("-02"), "{traceparent}");
    assert!(sink.spans().is_empty());
}

async fn an_exchange_is_measured_once_sampled_or_not<C: TracedClient>() {
    let server = server::<C>().await;
    for sampler in [Sampler::AlwaysOn, Sampler::AlwaysOff] {
        let metrics = MetricSink::new();
        let tracing = C::builder()
            .tracer_provider(&SpanSink::new().provider_sampling(sampler))
            .meter_provider(metrics.provider());

        C::get(tracing.build(), &server.url("/items/7"), &[]).await;

        let series = metrics.only("http.client.request.duration").await;
        assert_eq!(series.labels["http.request.method"], "GET".into());
        assert_eq!(series.labels["http.response.status_code"], 200.into());
        assert_eq!(series.labels["server.address"], "127.0.0.1".into());
        assert_eq!(series.labels["network.protocol.version"], "1.1".into());
        assert_eq!(series.labels.len(), 5, "{series:?}");
    }
}

async fn trace_context_is_sent_only_to_allowed_hosts<C: TracedClient>() {
    let allowed: [(&[&str], bool); 2] = [(&["127.0.0.1"], true), (&["shop.example"], false)];
    for (allowed, learns) in allowed {
        let (server, sink) = (server::<C>().await, SpanSink::new());
        let tracing = recorded::<C>(&sink).allowed_hosts(AllowedHosts::new(allowed).unwrap());

        let headers = C::get(tracing.build(), &server.url("/headers"), &[("baggage", "a=1")]).await;

        let span = sink.only().await;
        assert_eq!(headers.contains(&span.id().to_string()), learns, "{headers}");
        assert_eq!(headers.contains("baggage: "), learns, "{headers}");
    }
}
