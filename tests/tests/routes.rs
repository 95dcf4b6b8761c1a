//! Routes of requests: known at the start, recorded late, or absent.

use std::panic::AssertUnwindSafe;

use actix_web::{
    App, Error, HttpResponse,
    body::MessageBody,
    dev::{Service, ServiceFactory, ServiceRequest, ServiceResponse},
    http::{Uri, uri::PathAndQuery},
    middleware::NormalizePath,
    test, web,
};
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
    routing::{get, post},
};
use futures_util::FutureExt;
use opentelemetry::{
    Context, KeyValue, TraceId, Value,
    trace::{Link, SpanKind, TraceState},
};
use opentelemetry_sdk::trace::{Sampler, SamplingDecision, SamplingResult, ShouldSample};
use tests::{EndedSpanExt, MetricSink, Provider, SpanSink};
use tower::{Layer, ServiceExt};
use tracing_actix_middleware::Tracing;
use tracing_axum_layer::{RequestSpan, RouteLayer, TracingLayer};
use tracing_core_ext::testing::EndedSpan;
use tracing_core_ext::trace::TracerProvider;

/// Returns the span of a `GET` request to a router with the layer inside.
async fn inside(router: Router, path: &str) -> EndedSpan {
    let sink = SpanSink::new();
    let router = router.layer(layer(&sink));
    router.oneshot(request(path)).await.unwrap();
    sink.only().await
}

/// Returns the span of a `GET` request to a router with the layer outside.
async fn outside(router: Router, path: &str) -> EndedSpan {
    let sink = SpanSink::new();
    layer(&sink).layer(router).oneshot(request(path)).await.unwrap();
    sink.only().await
}

fn layer(sink: &SpanSink) -> TracingLayer {
    TracingLayer::builder().tracer_provider(&sink.provider()).build()
}

fn request(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

fn users() -> Router {
    Router::new().route("/users/{id}", get(async || ()))
}

fn assert_route(span: &EndedSpan, route: &str) {
    assert_eq!(span.name, format!("GET {route}"));
    assert_eq!(span.text("http.route"), Some(route));
}

fn assert_no_route(span: &EndedSpan) {
    assert_eq!(span.name, "GET");
    assert_eq!(span.attribute("http.route"), None);
}

#[tokio::test]
async fn a_layer_inside_a_nested_router_records_the_whole_path() {
    let sink = SpanSink::new();
    let app = Router::new().nest("/api", users().layer(layer(&sink)));

    app.oneshot(request("/api/users/7?page=2")).await.unwrap();

    let span = sink.only().await;
    assert_route(&span, "/api/users/{id}");
    assert_eq!(span.text("url.path"), Some("/api/users/7"));
    assert_eq!(span.text("url.query"), Some("page=2"));
}

#[tokio::test]
async fn a_nested_router_has_its_whole_route() {
    let app = Router::new().nest("/api", users());
    assert_route(&inside(app, "/api/users/7").await, "/api/users/{id}");
}

#[tokio::test]
async fn a_wildcard_is_part_of_the_route() {
    let app = Router::new().route("/files/{*path}", get(async || ()));
    assert_route(&inside(app, "/files/a/b").await, "/files/{*path}");
}

#[tokio::test]
async fn a_method_that_is_not_allowed_has_the_route() {
    let app = Router::new().route("/users/{id}", post(async || ()));
    let span = inside(app, "/users/7").await;
    assert_eq!(span.integer("http.response.status_code"), Some(405));
    assert_route(&span, "/users/{id}");
}

#[tokio::test]
async fn a_fallback_has_no_route() {
    let app = users().fallback(async || StatusCode::NOT_FOUND);
    assert_no_route(&inside(app.clone(), "/nowhere").await);
    assert_no_route(&outside(app.layer(RouteLayer::new()), "/nowhere").await);
}

#[tokio::test]
async fn a_layer_outside_the_router_gets_the_route_from_a_layer_inside() {
    assert_route(&outside(users().layer(RouteLayer::new()), "/users/7").await, "/users/{id}");
}

#[tokio::test]
async fn a_layer_outside_the_router_gets_the_route_from_the_extractor() {
    let app = Router::new().route("/users/{id}", get(async |_: RequestSpan| ()));
    assert_route(&outside(app, "/users/7").await, "/users/{id}");
}

#[tokio::test]
async fn a_layer_outside_the_router_gets_the_route_from_a_second_one_inside() {
    let other = SpanSink::new();
    let span = outside(users().layer(layer(&other)), "/users/7").await;
    assert_route(&span, "/users/{id}");
    assert!(other.spans().is_empty());
}

#[tokio::test]
async fn a_layer_outside_the_router_has_no_route_by_itself() {
    assert_no_route(&outside(users(), "/users/7").await);
}

#[tokio::test]
async fn the_whole_route_of_a_router_nested_as_a_service_is_recorded_late() {
    let app = Router::new().nest_service("/api", users().layer(RouteLayer::new()));
    assert_route(&inside(app.clone(), "/api/users/7").await, "/api/users/{id}");
    assert_route(&outside(app, "/api/users/7").await, "/api/users/{id}");
}

#[tokio::test]
async fn a_route_is_recorded_once_regardless_of_the_number_of_reports() {
    let app = Router::new().route("/users/{id}", get(async |_: RequestSpan| ()));
    let app = app.layer(RouteLayer::new()).layer(RouteLayer::new());
    assert_route(&inside(app.clone(), "/users/7").await, "/users/{id}");
    assert_route(&outside(app, "/users/7").await, "/users/{id}");
}

#[tokio::test]
async fn a_late_route_is_truncated_like_every_other_value() {
    let sink = SpanSink::new();
    let builder = TracingLayer::builder().tracer_provider(&sink.provider());
    let layer = builder.attribute_value_length_limit(9).build();

    layer.layer(users().layer(RouteLayer::new())).oneshot(request("/users/7")).await.unwrap();

    let span = sink.only().await;
    assert_eq!(span.text("http.route"), Some("/users/{i"));
    assert_eq!(span.name, "GET /users/{id}");
}

#[tokio::test]
async fn a_custom_name_is_not_replaced_by_a_late_route() {
    let sink = SpanSink::new();
    let builder = TracingLayer::builder().tracer_provider(&sink.provider());
    let layer = builder.span_name(|_| Some("chosen".into())).build();

    layer.layer(users().layer(RouteLayer::new())).oneshot(request("/users/7")).await.unwrap();

    let span = sink.only().await;
    assert_eq!(span.name, "chosen");
    assert_eq!(span.text("http.route"), Some("/users/{id}"));
}

/// Returns the span of a `GET` request to an actix-web application inside of the middleware.
async fn actix<T, B>(app: App<T>, path: &str) -> EndedSpan
where
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<B>,
            Error = Error,
            InitError = (),
        > + 'static,
    B: MessageBody + 'static,
{
    let sink = SpanSink::new();
    let tracing = Tracing::builder().tracer_provider(&sink.provider()).build();
    let app = test::init_service(app.wrap(tracing)).await;
    drop(test::call_service(&app, test::TestRequest::get().uri(path).to_request()).await);
    sink.only().await
}

#[actix_web::test]
async fn an_actix_scope_has_its_whole_route() {
    let users = web::scope("/api").route("/users/{id}", web::get().to(HttpResponse::Ok));
    assert_route(&actix(App::new().service(users), "/api/users/7").await, "/api/users/{id}");
}

#[actix_web::test]
async fn nested_actix_scopes_have_their_whole_route() {
    let resource = web::resource("/{id}").get(HttpResponse::Ok);
    let scope = web::scope("/api").service(web::scope("/users").service(resource));
    assert_route(&actix(App::new().service(scope), "/api/users/7").await, "/api/users/{id}");
}

#[actix_web::test]
async fn an_actix_tail_is_part_of_the_route() {
    let app = App::new().route("/files/{path:.*}", web::get().to(HttpResponse::Ok));
    assert_route(&actix(app, "/files/a/b").await, "/files/{path:.*}");
}

#[actix_web::test]
async fn the_default_service_of_actix_has_no_route() {
    let app = App::new().default_service(web::to(HttpResponse::NotFound));
    assert_no_route(&actix(app, "/nowhere").await);
    let scope = web::scope("/api").default_service(web::to(HttpResponse::NotFound));
    assert_no_route(&actix(App::new().service(scope), "/api/nowhere").await);
}

#[actix_web::test]
async fn a_path_that_actix_middleware_rewrites_has_its_route() {
    let app = App::new()
        .route("/users/{id}", web::get().to(HttpResponse::Ok))
        .wrap(NormalizePath::trim());
    let span = actix(app, "/users//7/").await;
    assert_eq!(span.integer("http.response.status_code"), Some(200));
    assert_eq!(span.text("url.path"), Some("/users//7/"));
    assert_route(&span, "/users/{id}");
}

/// A sampler of another type.
#[derive(Clone, Debug)]
struct EverySpan;

impl ShouldSample for EverySpan {
    fn should_sample(
        &self,
        _: Option<&Context>,
        _: TraceId,
        _: &str,
        _: &SpanKind,
        _: &[KeyValue],
        _: &[Link],
    ) -> SamplingResult {
        SamplingResult {
            decision: SamplingDecision::RecordAndSample,
            attributes: Vec::new(),
            trace_state: TraceState::NONE,
        }
    }
}

/// Providers that decide about a span before and after it is described.
fn providers(sink: &SpanSink) -> [Provider; 3] {
    let custom = TracerProvider::builder().with_sampler(EverySpan);
    let custom = custom.with_span_processor(sink.receiver()).build();
    [sink.provider().into(), custom.into(), sink.sdk_provider().into()]
}

#[actix_web::test]
async fn the_resource_whose_guard_matched_is_the_route_with_every_provider() {
    let sink = SpanSink::new();
    for provider in providers(&sink) {
        let metrics = MetricSink::new();
        let builder = Tracing::builder().meter_provider(metrics.provider());
        let app = App::new()
            .route("/widgets/{id}", web::get().to(HttpResponse::Ok))
            .route("/widgets/action", web::post().to(HttpResponse::Ok))
            .wrap(provider.configure(builder).build());
        let app = test::init_service(app).await;
        let before = sink.spans().len();

        let post = test::TestRequest::post().uri("/widgets/action").to_request();
        drop(test::call_service(&app, post).await);
        let put = test::TestRequest::put().uri("/widgets/action").to_request();
        drop(test::call_service(&app, put).await);

        let spans = sink.wait_for(before + 2).await;
        assert_eq!(spans[before].name, "POST /widgets/action", "{provider:?}");
        assert_eq!(spans[before].text("http.route"), Some("/widgets/action"));
        // No guard matches, so actix-web has only the resource of the path.
        assert_eq!(spans[before + 1].name, "PUT /widgets/{id}");
        assert_eq!(spans[before + 1].text("http.route"), Some("/widgets/{id}"));
        let labels = metrics.wait_for("http.server.request.duration", 2).await;
        let routes: Vec<_> = labels.iter().map(|it| it.labels["http.route"].to_string()).collect();
        assert!(routes.contains(&"/widgets/action".to_owned()), "{routes:?}");
    }
}

#[actix_web::test]
async fn an_expected_route_that_does_not_answer_names_no_span_with_every_provider() {
    let sink = SpanSink::new();
    for (at, provider) in providers(&sink).into_iter().enumerate() {
        let app = App::new()
            .route("/users/{id}", web::get().to(HttpResponse::Ok))
            .wrap_fn(|mut request, next| {
                let elsewhere = Uri::from(PathAndQuery::from_static("/nowhere"));
                request.match_info_mut().get_mut().update(&elsewhere);
                request.head_mut().uri = elsewhere;
                next.call(request)
            })
            .wrap(provider.configure(Tracing::builder()).build());
        let app = test::init_service(app).await;

        let request = test::TestRequest::get().uri("/users/7").to_request();
        let response = test::call_service(&app, request).await;

        assert_eq!(response.status().as_u16(), 404);
        drop(response);
        assert_no_route(&sink.wait_for(at + 1).await[at]);
    }
}

#[actix_web::test]
async fn a_panic_has_the_expected_route_with_every_provider() {
    let sink = SpanSink::new();
    for (at, provider) in providers(&sink).into_iter().enumerate() {
        let panics = async || -> HttpResponse { panic!("scripted") };
        let app = App::new().route("/users/{id}", web::get().to(panics));
        let app = app.wrap(provider.configure(Tracing::builder()).build());
        let app = test::init_service(app).await;

        let call = test::call_service(&app, test::TestRequest::get().uri("/users/7").to_request());
        AssertUnwindSafe(call).catch_unwind().await.map(drop).unwrap_err();

        assert_route(&sink.wait_for(at + 1).await[at], "/users/{id}");
    }
}

/// Returns the label of a `GET` request to a router with the layer outside.
async fn label_outside(sampler: Sampler, router: Router, path: &str) -> Option<Value> {
    let metrics = MetricSink::new();
    let layer = TracingLayer::builder()
        .tracer_provider(&SpanSink::new().provider_sampling(sampler))
        .meter_provider(metrics.provider())
        .build();
    drop(layer.layer(router).oneshot(request(path)).await.unwrap());
    let series = metrics.only("http.server.request.duration").await;
    series.labels.get("http.route").cloned()
}

#[tokio::test]
async fn a_late_route_is_a_label_as_well() {
    for sampler in [Sampler::AlwaysOn, Sampler::AlwaysOff] {
        let extracting = Router::new().route("/users/{id}", get(async |_: RequestSpan| ()));
        let layered = users().layer(RouteLayer::new());
        for router in [extracting, layered] {
            let label = label_outside(sampler.clone(), router, "/users/7").await;
            assert_eq!(label, Some("/users/{id}".into()));
        }
        assert_eq!(label_outside(sampler, users(), "/users/7").await, None);
    }
}
