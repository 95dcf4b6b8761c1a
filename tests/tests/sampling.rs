//! Rules, probabilities and retention decide which requests are exported.

use std::time::Duration;

use ::axum::{Router, body::Body, http::Request, routing::get};
use opentelemetry::trace::{SpanKind, Tracer, TracerProvider as _};
use tests::{EndedSpanExt, Framework, Server, Setup, SpanSink, on_both_frameworks};
use tower::{Layer, ServiceExt};
use tracing_axum_layer::{RouteLayer, TracingLayer};
use tracing_core_ext::testing::EndedSpan;
use tracing_core_ext::{
    telemetry::Telemetry,
    trace::{Retention, Sampler, SamplingRules, SpanMatch},
};

on_both_frameworks![
    a_rule_by_path_drops_a_request_and_what_it_calls,
    a_rule_by_route_drops_every_request_of_the_route,
    a_rule_by_method_and_attribute_drops_a_request,
    a_rule_keeps_a_request_whose_caller_is_not_sampled,
    a_probability_is_written_into_the_tracestate,
    a_rate_limit_bounds_the_traces,
    the_sampler_is_replaced_at_run_time,
    a_failed_request_is_kept_with_its_children,
    a_waiting_request_sends_no_sampled_flag,
    a_slow_request_is_kept,
    a_request_of_another_service_that_is_sampled_does_not_wait,
    the_variable_excludes_a_path_as_installed,
    retention_as_installed_keeps_the_spans_of_the_tracing_crate,
];

const DROPPED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn rules(conditions: SpanMatch, sampler: Sampler) -> Sampler {
    SamplingRules::new().rule(conditions, sampler).build().unwrap()
}

fn retained(retention: Retention) -> Sampler {
    Sampler::retain(Sampler::parent_based(Sampler::always_off()), retention).unwrap()
}

async fn served<F: Framework>(sink: &SpanSink, sampler: Sampler) -> Server {
    F::serve(Setup::with_provider(sink.provider_sampling(sampler))).await
}

async fn call(server: &Server, path: &str) -> String {
    reqwest::get(server.url(path)).await.unwrap().text().await.unwrap()
}

async fn call_as(server: &Server, path: &str, traceparent: &str) -> String {
    let request = reqwest::Client::new().get(server.url(path)).header("traceparent", traceparent);
    request.send().await.unwrap().text().await.unwrap()
}

/// Returns a server with this sampler whose `/forward` answers with the headers that it sends.
async fn forwarding<F: Framework>(sampler: Sampler) -> (Server, Server, SpanSink) {
    let sink = SpanSink::new();
    let next = F::serve(Setup { has_sdk: false, ..Setup::new(&SpanSink::new()) }).await;
    let provider = sink.provider_sampling(sampler);
    let setup = Setup { forward: Some(next.url("/headers")), ..Setup::with_provider(provider) };
    (F::serve(setup).await, next, sink)
}

fn header<'a>(headers: &'a str, name: &str) -> Option<&'a str> {
    headers.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn names(spans: &[EndedSpan]) -> Vec<&str> {
    spans.iter().map(|span| &*span.name).collect()
}

async fn a_rule_by_path_drops_a_request_and_what_it_calls<F: Framework>() {
    let path = SpanMatch::new().path("/forw*");
    let (server, _next, sink) = forwarding::<F>(rules(path, Sampler::always_off())).await;

    let headers = call_as(&server, "/forward", SAMPLED).await;
    call(&server, "/items/7").await;

    assert_eq!(names(&sink.wait_for(1).await), ["GET /items/{id}"]);
    let traceparent = header(&headers, "traceparent").unwrap();
    assert!(traceparent.starts_with(&SAMPLED[..36]) && traceparent.ends_with("-00"), "{headers}");
}

async fn a_rule_by_route_drops_every_request_of_the_route<F: Framework>() {
    let sink = SpanSink::new();
    let route = SpanMatch::new().route("/items/{id}");
    let server = served::<F>(&sink, rules(route, Sampler::always_off())).await;

    for path in ["/items/7", "/items/8", "/status/200", "/nowhere"] {
        call(&server, path).await;
    }

    let spans = sink.wait_for(2).await;
    assert_eq!(names(&spans), ["GET /status/{code}", "GET"]);
}

async fn a_rule_by_method_and_attribute_drops_a_request<F: Framework>() {
    let sink = SpanSink::new();
    let robot = SpanMatch::new().method("GET").attribute("user_agent.original", "probe/*");
    let server = served::<F>(&sink, rules(robot, Sampler::always_off())).await;

    for agent in ["probe/1.0", "browser"] {
        let request = reqwest::Client::new().get(server.url("/items/7"));
        request.header("user-agent", agent).send().await.unwrap().bytes().await.unwrap();
    }
    let request = reqwest::Client::new().post(server.url("/echo")).body("a");
    request.header("user-agent", "probe/1.0").send().await.unwrap().bytes().await.unwrap();

    let spans = sink.wait_for(2).await;
    assert_eq!(names(&spans), ["GET /items/{id}", "POST /echo"]);
    assert_eq!(spans[0].text("user_agent.original"), Some("browser"));
}

async fn a_rule_keeps_a_request_whose_caller_is_not_sampled<F: Framework>() {
    let route = SpanMatch::new().kind(SpanKind::Server).route("/forward");
    let (server, _next, sink) = forwarding::<F>(rules(route, Sampler::always_on())).await;

    let headers = call_as(&server, "/forward", DROPPED).await;
    call_as(&server, "/items/7", DROPPED).await;

    let spans = sink.wait_for(2).await;
    assert_eq!(names(&spans), ["GET", "GET /forward"]);
    assert!(spans[0].is_child_of(&spans[1]));
    assert!(header(&headers, "traceparent").unwrap().ends_with("-01"), "{headers}");
}

async fn a_probability_is_written_into_the_tracestate<F: Framework>() {
    let root = Sampler::parent_based(Sampler::probability(0.5).unwrap());
    let (server, _next, sink) = forwarding::<F>(root).await;

    let mut sampled = 0;
    for _ in 0..40 {
        let headers = call(&server, "/forward").await;
        let traceparent = header(&headers, "traceparent").unwrap();
        let is_sampled = &traceparent[21..35] >= "80000000000000";
        assert_eq!(
            traceparent.ends_with('1') || traceparent.ends_with('3'),
            is_sampled,
            "{headers}"
        );
        assert_eq!(header(&headers, "tracestate"), is_sampled.then_some("ot=th:8"));
        sampled += usize::from(is_sampled);
    }

    let spans = sink.wait_for(2 * sampled).await;
    assert!(spans.iter().all(|span| span.span_context.trace_state().header() == "ot=th:8"));
}

async fn a_rate_limit_bounds_the_traces<F: Framework>() {
    // A token takes longer than the test.
    let limit = Sampler::rate_limit(0.001, Sampler::always_on()).unwrap();
    let (server, _next, sink) = forwarding::<F>(Sampler::parent_based(limit)).await;

    for _ in 0..5 {
        call(&server, "/forward").await;
    }

    let spans = sink.wait_for(2).await;
    assert!(spans[0].is_child_of(&spans[1]));
}

async fn the_sampler_is_replaced_at_run_time<F: Framework>() {
    let sink = SpanSink::new();
    let provider = sink.provider_sampling(Sampler::always_off());
    let server = F::serve(Setup::with_provider(provider.clone())).await;
    call(&server, "/items/7").await;
    provider.set_sampler(Sampler::always_on());
    call(&server, "/status/200").await;
    provider.set_sampler(Sampler::always_off());
    call(&server, "/items/7").await;
    assert_eq!(sink.only().await.name, "GET /status/{code}");
}

async fn a_failed_request_is_kept_with_its_children<F: Framework>() {
    let sink = SpanSink::new();
    let provider = sink.provider_sampling(retained(Retention::new()));
    let next = F::serve(Setup { has_sdk: false, ..Setup::new(&SpanSink::new()) }).await;
    let setup = Setup { forward: Some(next.url("/status/500")), ..Setup::with_provider(provider) };
    let server = F::serve(setup).await;

    call(&server, "/items/7").await;
    call_as(&server, "/forward", DROPPED).await;
    call(&server, "/status/404").await;

    let spans = sink.wait_for(2).await;
    assert_eq!(names(&spans), ["GET", "GET /forward"]);
    assert!(spans[0].is_child_of(&spans[1]));
    assert_eq!(spans[1].parent_span_id.to_string(), &DROPPED[36..52]);
    assert!(spans.iter().all(|span| span.span_context.is_sampled()));
    assert_eq!(spans[1].integer("http.response.status_code"), Some(500));
}

async fn a_waiting_request_sends_no_sampled_flag<F: Framework>() {
    let (server, _next, sink) = forwarding::<F>(retained(Retention::new())).await;

    let headers = call_as(&server, "/forward", DROPPED).await;

    let traceparent = header(&headers, "traceparent").unwrap();
    assert!(traceparent.starts_with(&DROPPED[..36]) && traceparent.ends_with("-00"), "{headers}");
    server.stop().await;
    assert_eq!(sink.spans(), []);
}

async fn a_slow_request_is_kept<F: Framework>() {
    let sink = SpanSink::new();
    let never = Duration::from_secs(3600);
    let retention = Retention::new()
        .slower_than_for(SpanMatch::new().route("/items/{id}"), never)
        .slower_than(Duration::ZERO);
    let server = served::<F>(&sink, retained(retention)).await;

    call(&server, "/items/7").await;
    call(&server, "/status/200").await;

    let span = sink.only().await;
    assert_eq!(span.name, "GET /status/{code}");
    assert_eq!(span.text("url.path"), Some("/status/200"));
}

async fn a_request_of_another_service_that_is_sampled_does_not_wait<F: Framework>() {
    let (server, _next, sink) = forwarding::<F>(retained(Retention::new())).await;

    let headers = call_as(&server, "/forward", SAMPLED).await;

    assert!(header(&headers, "traceparent").unwrap().ends_with("-01"), "{headers}");
    assert_eq!(names(&sink.wait_for(2).await), ["GET", "GET /forward"]);
}

/// Returns a server with the subscriber and the provider of `Telemetry`.
async fn installed<F: Framework>(
    sink: &SpanSink,
    sampler: Option<Sampler>,
    work: fn(&Setup),
) -> (Server, Telemetry) {
    let variables = |name: &str| {
        let is_rules = name == "OTEL_RUST_TRACES_SAMPLER_RULES";
        is_rules.then(|| "/empty=drop, GET /status/*=0, route:/items/{id}=keep".to_owned())
    };
    let mut builder = tests::telemetry(sink).variables(variables);
    if let Some(sampler) = sampler {
        builder = builder.sampler(sampler);
    }
    let (telemetry, subscriber) = builder.build().unwrap();
    let provider = telemetry.tracer_provider().clone();
    let server = F::serve(Setup { subscriber, work, ..Setup::with_provider(provider) }).await;
    (server, telemetry)
}

async fn the_variable_excludes_a_path_as_installed<F: Framework>() {
    let sink = SpanSink::new();
    let (server, telemetry) = installed::<F>(&sink, None, |_| {}).await;
    for path in ["/empty", "/status/200", "/items/7", "/nowhere"] {
        call(&server, path).await;
    }
    server.stop().await;
    telemetry.shutdown().unwrap();
    assert_eq!(names(&sink.spans()), ["GET /items/{id}", "GET"]);
}

async fn retention_as_installed_keeps_the_spans_of_the_tracing_crate<F: Framework>() {
    let sink = SpanSink::new();
    let work = |_: &Setup| {
        tracing::info_span!("fails").in_scope(|| tracing::info_span!("inner").in_scope(|| {}));
    };
    let sampler = retained(Retention::new().slower_than(Duration::ZERO));
    let (server, telemetry) = installed::<F>(&sink, Some(sampler), work).await;
    call(&server, "/work").await;
    server.stop().await;
    telemetry.shutdown().unwrap();
    let spans = sink.spans();
    assert_eq!(names(&spans), ["inner", "fails", "GET /work"]);
    assert!(spans[0].is_child_of(&spans[1]) && spans[1].is_child_of(&spans[2]));
}

fn outside(sink: &SpanSink, sampler: Sampler) -> Router {
    let provider = sink.provider_sampling(sampler);
    let tracer = provider.tracer("work");
    let work = async move || tracer.in_span("work", |_| ());
    let router = Router::new()
        .route("/health/{part}", get(work.clone()))
        .route("/items/{id}", get(work))
        .layer(RouteLayer::new());
    let layer = TracingLayer::builder().tracer_provider(&provider).build();
    Router::new().fallback_service(layer.layer(router))
}

async fn ask(router: &Router, path: &str) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    drop(router.clone().oneshot(request).await.unwrap());
}

#[tokio::test]
async fn a_rule_by_route_outside_of_the_router_is_applied_at_the_end() {
    let sink = SpanSink::new();
    let route = SpanMatch::new().route("/health/*");
    let router = outside(&sink, rules(route, Sampler::always_off()));
    for path in ["/health/db", "/items/7", "/nowhere"] {
        ask(&router, path).await;
    }
    let spans = sink.wait_for(3).await;
    assert_eq!(names(&spans), ["work", "GET /items/{id}", "GET"]);
    assert!(spans[0].is_child_of(&spans[1]));
}

#[tokio::test]
async fn a_rule_that_keeps_a_route_outside_of_the_router_is_applied_at_the_end() {
    let sink = SpanSink::new();
    let sampler = SamplingRules::new()
        .rule(SpanMatch::new().route("/items/*"), Sampler::always_on())
        .fallback(Sampler::parent_based(Sampler::always_off()));
    let router = outside(&sink, sampler.build().unwrap());
    for path in ["/health/db", "/items/7", "/nowhere"] {
        ask(&router, path).await;
    }
    let spans = sink.wait_for(2).await;
    assert_eq!(names(&spans), ["work", "GET /items/{id}"]);
    assert!(spans.iter().all(|span| span.span_context.is_sampled()));
}
