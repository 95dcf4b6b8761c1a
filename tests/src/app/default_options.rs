use actix_web::{App, test, web};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
    routing::get,
};
use tower::ServiceExt;
use tracing_actix_middleware::Tracing;
use tracing_axum_layer::TracingLayer;
use tracing_core_ext::client::Client;

use crate::{Axum, Framework, Setup, SpanSink};

/// Returns the headers, one per line, that services without options send when they are called with
/// `header`: one on axum and one on actix-web, both with a client without options.
///
/// # Panics
///
/// Outside of the runtime of actix-web, or if a request fails.
pub async fn headers_sent_without_options(header: (&'static str, &'static str)) -> [String; 2] {
    let next = Axum::serve(Setup::new(&SpanSink::new())).await;
    let url = next.url("/headers");
    [on_axum(header, url.clone()).await, on_actix(header, url).await]
}

/// Calls two services whose middleware is built without options, one on axum and one on actix-web.
///
/// # Panics
///
/// Outside of the runtime of actix-web.
pub async fn call_without_options() {
    let app = Router::new().route("/", get(async || "ok")).layer(TracingLayer::new());
    let request = Request::get("/").body(Body::empty()).expect("a request");
    app.oneshot(request).await.expect("axum answers");

    let app = App::new().route("/", web::get().to(async || "ok")).wrap(Tracing::new());
    let app = test::init_service(app).await;
    test::call_and_read_body(&app, test::TestRequest::get().uri("/").to_request()).await;
}

async fn on_axum((name, value): (&str, &str), url: String) -> String {
    let app = Router::new().route("/", get(|| call(url))).layer(TracingLayer::new());
    let request = Request::get("/").header(name, value).body(Body::empty()).expect("a request");
    let response = app.oneshot(request).await.expect("axum answers");
    let body = to_bytes(response.into_body(), usize::MAX).await.expect("the whole body");
    String::from_utf8(body.into()).expect("text")
}

async fn on_actix(header: (&'static str, &'static str), url: String) -> String {
    let route = web::get().to(move || call(url.clone()));
    let app = test::init_service(App::new().route("/", route).wrap(Tracing::new())).await;
    let request = test::TestRequest::get().uri("/").insert_header(header).to_request();
    let body = test::call_and_read_body(&app, request).await;
    String::from_utf8(body.into()).expect("text")
}

async fn call(url: String) -> String {
    let response = Client::new().get(url).send().await.expect("the next service answers");
    response.text().await.expect("text")
}
