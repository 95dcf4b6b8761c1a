//! Cases of a single framework: services that fail, panics that outer layers catch, upgrades,
//! declared lengths.

use std::{
    convert::Infallible,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    App, HttpResponse,
    body::{BodyStream, MessageBody},
    error::ErrorImATeapot,
    middleware::from_fn,
    test, web,
};
use axum::{
    Router,
    body::{Body, HttpBody},
    http::{HeaderMap, Request, Response, StatusCode, header},
    routing::{any, get},
};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use http_body::Frame;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use opentelemetry::trace::{Status, Tracer, TracerProvider as _};
use tests::{EndedSpanExt, Provider, SpanSink, plain_subscriber};
use tower::{Layer, ServiceExt, service_fn};
use tracing_actix_middleware::Tracing;
use tracing_axum_layer::TracingLayer;
use tracing_core_ext::trace::TracerProvider;

fn layer(sink: &SpanSink) -> TracingLayer {
    layer_of(&sink.provider().into())
}

fn layer_of(provider: &Provider) -> TracingLayer {
    provider.configure(TracingLayer::builder()).build()
}

fn request(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn any_tower_service_of_http_is_supported() {
    let sink = SpanSink::new();
    let service = layer(&sink).layer(service_fn(async |_: Request<Empty<Bytes>>| {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"ok"))))
    }));

    let response = service.oneshot(Request::new(Empty::new())).await.unwrap();
    assert!(sink.spans().is_empty());
    response.into_body().collect().await.unwrap();

    let span = sink.only().await;
    assert_eq!(span.name, "GET");
    for absent in ["http.route", "client.address", "network.peer.address", "server.address"] {
        assert_eq!(span.attribute(absent), None);
    }
}

#[tokio::test]
async fn a_service_that_fails_is_an_error() {
    let sink = SpanSink::new();
    let service = layer(&sink).layer(service_fn(async |_: Request<Body>| {
        Err::<Response<Body>, _>(io::Error::other("scripted"))
    }));

    service.oneshot(request("/")).await.unwrap_err();

    let span = sink.only().await;
    assert_eq!(span.text("error.type"), Some("service_error"));
    assert!(matches!(span.status, Status::Error { .. }));
}

#[tokio::test]
async fn a_panic_caught_outside_the_layer_is_still_a_panic() {
    let sink = SpanSink::new();
    let panics =
        async |_: Request<Body>| -> Result<Response<Body>, Infallible> { panic!("scripted") };
    let service = layer(&sink).layer(service_fn(panics));

    let mut future = Box::pin(service.oneshot(request("/")));
    let caught = std::panic::AssertUnwindSafe(&mut future).catch_unwind().await;

    assert!(caught.is_err());
    assert_eq!(sink.only().await.text("error.type"), Some("panic"));
    drop(future);
    sink.only().await;
}

#[tokio::test]
async fn an_upgrade_ends_the_span_at_the_handshake() {
    let sink = SpanSink::new();
    let app = Router::new()
        .route("/ws", any(async || StatusCode::SWITCHING_PROTOCOLS))
        .layer(layer(&sink));

    let response = app.oneshot(request("/ws")).await.unwrap();

    let span = sink.only().await;
    assert_eq!(span.integer("http.response.status_code"), Some(101));
    assert_eq!(span.status, Status::Unset);
    drop(response);
}

#[tokio::test]
async fn a_tunnel_ends_the_span_when_it_is_open() {
    let sink = SpanSink::new();
    let app = Router::new().fallback(async || "never sent").layer(layer(&sink));

    let request = Request::connect("shop.example:443").body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();

    let span = sink.only().await;
    assert_eq!(span.status, Status::Unset);
    assert_eq!(span.attribute("url.path"), None);
    drop(response);
}

#[tokio::test]
async fn a_tunnel_ends_the_span_whatever_follows_the_head() {
    for (status, error) in [(200, None), (299, None), (403, Some("cancelled_mid_body"))] {
        let sink = SpanSink::new();
        let service = layer(&sink).layer(service_fn(move |_: Request<Body>| {
            let body = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
            let response = Response::builder().status(status).body(body);
            std::future::ready(Ok::<_, Infallible>(response.unwrap()))
        }));

        let request = Request::connect("shop.example:443").body(Body::empty()).unwrap();
        drop(service.oneshot(request).await.unwrap());

        assert_eq!(sink.only().await.text("error.type"), error, "{status}");
    }
}

#[tokio::test]
async fn a_captured_tunnel_has_no_path_either() {
    let sink = SpanSink::new();
    let provider = Provider::from(sink.sdk_provider());
    let _default = tracing::dispatcher::set_default(&plain_subscriber(&provider));
    let app = Router::new().fallback(async || "never sent").layer(layer_of(&provider));

    let request = Request::connect("shop.example:443").body(Body::empty()).unwrap();
    drop(app.oneshot(request).await.unwrap());

    let span = sink.only().await;
    assert_eq!(span.instrumentation_scope.name(), "users", "the span is the layer's");
    assert_eq!(span.text("http.request.method"), Some("CONNECT"));
    assert_eq!(span.attribute("url.path"), None);
}

#[tokio::test]
async fn a_body_dropped_at_its_declared_length_is_complete() {
    let sink = SpanSink::new();
    let app = Router::new().route("/", get(async || declared("3"))).layer(layer(&sink));

    let mut body = app.oneshot(request("/")).await.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);

    assert_eq!(sink.only().await.status, Status::Unset);
}

#[tokio::test]
async fn a_body_dropped_before_its_declared_length_is_cancelled() {
    let sink = SpanSink::new();
    let app = Router::new().route("/", get(async || declared("4"))).layer(layer(&sink));

    let mut body = app.oneshot(request("/")).await.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);

    assert_eq!(sink.only().await.text("error.type"), Some("cancelled_mid_body"));
}

/// Three bytes of a stream without a known end, with a declared `length`.
fn declared(length: &'static str) -> ([(header::HeaderName, &'static str); 1], Body) {
    let chunk = stream::once(async { Ok::<_, io::Error>("one") });
    let endless = chunk.chain(stream::pending());
    ([(header::CONTENT_LENGTH, length)], Body::from_stream(endless))
}

#[tokio::test]
async fn framing_of_a_wrapped_body_is_that_of_the_bare_one() {
    let service = layer(&SpanSink::new()).layer(service_fn(async |_: Request<Body>| {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"three"))))
    }));

    let body = service.oneshot(request("/")).await.unwrap().into_body();

    assert_eq!(body.size_hint().exact(), Some(5));
    assert!(!body.is_end_stream());
}

#[tokio::test]
async fn a_body_is_polled_in_scope_behind_its_last_byte() {
    let sink = SpanSink::new();
    let provider = sink.provider();
    let native = provider.clone();
    let app = Router::new()
        .route("/", get(async || declared_then("3", native)))
        .layer(layer_of(&provider.into()));

    let body = app.oneshot(request("/")).await.unwrap().into_body();
    body.collect().await.unwrap();

    let spans = sink.wait_for(2).await;
    assert!(spans[1].is_child_of(&spans[0]), "{spans:#?}");
}

/// Three bytes with a declared `length`, and a span that is created when the stream is polled for
/// more.
fn declared_then(
    length: &'static str,
    provider: TracerProvider,
) -> ([(header::HeaderName, &'static str); 1], Body) {
    let chunk = stream::once(async { Ok::<_, io::Error>("one") });
    let late = stream::once(async move { drop(provider.tracer("native").start("late")) });
    let nothing = late.filter_map(async |()| None);
    ([(header::CONTENT_LENGTH, length)], Body::from_stream(chunk.chain(nothing)))
}

#[tokio::test]
async fn trailers_pass_through_and_end_the_span() {
    let sink = SpanSink::new();
    let service = layer(&sink).layer(service_fn(async |_: Request<Body>| {
        let trailers =
            async { Some(Ok(HeaderMap::from_iter([(header::SERVER, "t".parse().unwrap())]))) };
        Ok::<_, Infallible>(Response::new(
            Full::new(Bytes::from_static(b"ok")).with_trailers(trailers),
        ))
    }));

    let response = service.oneshot(request("/")).await.unwrap();
    let collected = response.into_body().collect().await.unwrap();

    assert_eq!(collected.trailers().unwrap()[header::SERVER], "t");
    assert_eq!(sink.only().await.status, Status::Unset);
}

#[tokio::test]
async fn a_body_dropped_behind_its_trailers_is_complete() {
    let sink = SpanSink::new();
    let service = layer(&sink).layer(service_fn(async |_: Request<Body>| {
        let frames = [Frame::data(Bytes::from_static(b"ok")), Frame::trailers(HeaderMap::new())];
        let endless = stream::iter(frames.map(Ok::<_, Infallible>)).chain(stream::pending());
        Ok::<_, Infallible>(Response::new(StreamBody::new(endless)))
    }));

    let mut body = Box::pin(service.oneshot(request("/")).await.unwrap().into_body());
    body.frame().await.unwrap().unwrap();
    body.frame().await.unwrap().unwrap();
    drop(body);

    assert_eq!(sink.only().await.status, Status::Unset);
}

#[tokio::test]
async fn a_body_dropped_after_it_reports_its_end_is_complete() {
    let sink = SpanSink::new();
    let service = layer(&sink).layer(service_fn(async |_: Request<Body>| {
        Ok::<_, Infallible>(Response::new(OneFrame(Some(Bytes::from_static(b"ok")))))
    }));

    let mut body = service.oneshot(request("/")).await.unwrap().into_body();
    assert!(!body.is_end_stream());
    body.frame().await.unwrap().unwrap();
    assert!(body.is_end_stream(), "a server writes the end at once");
    drop(body);

    assert_eq!(sink.only().await.status, Status::Unset);
}

#[tokio::test]
async fn a_wrapped_body_that_is_empty_is_at_its_end() {
    let service = layer(&SpanSink::new()).layer(service_fn(async |_: Request<Body>| {
        Ok::<_, Infallible>(Response::new(Body::empty()))
    }));

    let body = service.oneshot(request("/")).await.unwrap().into_body();

    assert!(body.is_end_stream());
}

#[tokio::test]
async fn a_response_that_has_no_body_by_its_status_ends_the_span_with_its_head() {
    for status in [204, 205, 304] {
        let sink = SpanSink::new();
        let service = layer(&sink).layer(service_fn(move |_: Request<Body>| {
            let body = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
            let response = Response::builder().status(status).body(body);
            std::future::ready(Ok::<_, Infallible>(response.unwrap()))
        }));

        let response = service.oneshot(request("/")).await.unwrap();

        let span = sink.only().await;
        assert_eq!(span.status, Status::Unset, "{status}");
        assert_eq!(span.attribute("error.type"), None, "{status}");
        drop(response);
    }
}

#[tokio::test]
async fn what_a_service_does_when_it_is_called_belongs_to_the_span() {
    let sink = SpanSink::new();
    let provider = sink.provider();
    let native = provider.clone();
    let service = layer_of(&provider.into()).layer(service_fn(move |_: Request<Body>| {
        // Not in the future.
        drop(native.tracer("native").start("early"));
        std::future::ready(Ok::<_, Infallible>(Response::new(Body::empty())))
    }));

    drop(service.oneshot(request("/")).await.unwrap());

    let spans = sink.wait_for(2).await;
    assert_eq!(spans[0].name, "early");
    assert!(spans[0].is_child_of(&spans[1]), "{spans:#?}");
}

#[actix_web::test]
async fn an_actix_stream_dropped_at_its_declared_length_is_complete() {
    for (length, error) in [(3, None), (4, Some("cancelled_mid_body"))] {
        let sink = SpanSink::new();
        let tracing = Tracing::builder().tracer_provider(&sink.provider()).build();
        let handler = move || async move {
            let chunk = stream::once(async { Ok::<_, io::Error>(Bytes::from_static(b"one")) });
            let endless = chunk.chain(stream::pending());
            HttpResponse::Ok().no_chunking(length).body(BodyStream::new(endless))
        };
        let app = App::new().route("/", web::get().to(handler)).wrap(tracing);
        let app = test::init_service(app).await;

        let response = test::call_service(&app, test::TestRequest::get().to_request()).await;
        let mut body = Box::pin(response.into_body());
        std::future::poll_fn(|cx| body.as_mut().poll_next(cx)).await.unwrap().unwrap();
        drop(body);

        assert_eq!(sink.only().await.text("error.type"), error);
    }
}

/// A body with a known end and an unknown length.
struct OneFrame(Option<Bytes>);

impl HttpBody for OneFrame {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }
}

#[tokio::test]
async fn a_layer_that_requires_an_empty_body_can_be_outside() {
    fn is_default<B: Default>(_: &Response<B>) {}
    let sink = SpanSink::new();
    let service = layer(&sink).layer(service_fn(async |_: Request<Body>| {
        Ok::<_, Infallible>(Response::new(Body::empty()))
    }));

    is_default(&service.oneshot(request("/")).await.unwrap());

    sink.only().await;
}

#[actix_web::test]
async fn an_error_of_an_actix_middleware_has_the_status_it_becomes() {
    let sink = SpanSink::new();
    let tracing = Tracing::builder().tracer_provider(&sink.provider()).build();
    let app = App::new()
        .wrap(from_fn(async |_, _: actix_web::middleware::Next<actix_web::body::BoxBody>| {
            Err::<actix_web::dev::ServiceResponse, _>(ErrorImATeapot("scripted"))
        }))
        .wrap(tracing);
    let app = test::init_service(app).await;

    test::try_call_service(&app, test::TestRequest::get().to_request()).await.unwrap_err();

    let span = sink.only().await;
    assert_eq!(span.integer("http.response.status_code"), Some(418));
    assert_eq!(span.status, Status::Unset);
}
