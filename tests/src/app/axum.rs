use std::net::SocketAddr;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{
        Extension, Path, RawQuery, Request, State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    middleware::{self, Next},
    response::{AppendHeaders, IntoResponse, Response},
    routing::{get, post},
};
use futures_util::FutureExt;
use opentelemetry::{Context, trace::TraceContextExt};
use tokio::net::TcpListener;
use tracing_axum_layer::{
    HandlerError, Problem, ProblemDetails, RequestId, RequestSpan, TracingLayer,
};

use super::framework::sold_out;
use crate::{Framework, OrderError, Server, Setup};

/// axum, over hyper.
#[derive(Debug)]
pub struct Axum;

impl Framework for Axum {
    async fn serve(setup: Setup) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound listener has an address");
        let subscriber = setup.subscriber.clone();
        let app = router(setup).into_make_service_with_connect_info::<SocketAddr>();
        let task = tokio::spawn(async move {
            // The runtime of a test has one thread, and everything the server spawns runs on it.
            std::mem::forget(tracing::dispatcher::set_default(&subscriber));
            axum::serve(listener, app).await.expect("the listener works");
        });
        Server::new(address, task)
    }
}

fn router(setup: Setup) -> Router {
    let layer = setup.middleware(TracingLayer::builder());
    let second = setup.middleware(TracingLayer::builder());
    Router::new()
        .route("/items/{id}", get(async |Path(id): Path<String>| format!("item {id}")))
        .route("/status/{code}", get(status))
        .route("/empty", get(async || StatusCode::NO_CONTENT))
        .route("/panic", get(panics))
        .route("/fails", get(fails))
        .route("/pending", get(pending))
        .route(
            "/stream",
            get(async |State(setup): State<Setup>| Body::from_stream(setup.control.body())),
        )
        .route("/events", get(events))
        .route("/extractor", get(extractor))
        .route("/id", get(async |id: RequestId| id.to_string()))
        .route("/problem", get(async || Problem::from(sold_out())))
        .route("/refused", get(pending).layer(middleware::from_fn(refuse)))
        .route("/work", get(async |State(setup): State<Setup>| (setup.work)(&setup)))
        .route("/forward", get(forward))
        .route("/headers", get(headers))
        .route("/echo", post(echo))
        .route("/late", get(pending).layer(middleware::from_fn(give_up)))
        .route(
            "/twice/{id}",
            get(async |Path(id): Path<String>| format!("item {id}")).layer(second),
        )
        .route("/ws", get(websocket))
        .route("/ws/traced", get(traced_websocket))
        .route("/middleware", get(found).layer(middleware::from_fn(inner)))
        .layer(layer)
        .with_state(setup)
}

async fn status(Path(code): Path<u16>) -> (StatusCode, &'static str) {
    (StatusCode::from_u16(code).expect("a status code"), "ok")
}

async fn fails(RawQuery(query): RawQuery) -> impl IntoResponse {
    let status = match query {
        Some(_) => StatusCode::BAD_REQUEST,
        None => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, Extension(HandlerError::new(OrderError::default())), "failed")
}

async fn panics() {
    panic!("scripted");
}

async fn pending(State(setup): State<Setup>) {
    let _destructor = setup.control.destructor();
    setup.control.enter();
    std::future::pending::<()>().await;
}

async fn events(State(setup): State<Setup>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/event-stream")], Body::from_stream(setup.control.body()))
}

async fn extractor(span: RequestSpan) -> String {
    span.set_attribute("cart.items", 3);
    span.set_attribute("cart.bytes", 7_usize);
    span.set_metric_attribute("shop.plan", "free");
    span.record_error(&std::fmt::Error);
    format!("{} {}", span.trace_id(), span.span_id())
}

async fn forward(State(setup): State<Setup>) -> Response {
    let answer = setup.forward().await;
    let status = answer.status();
    let mut response = Response::new(Body::from_stream(answer.bytes_stream()));
    *response.status_mut() = status;
    response
}

async fn headers(headers: HeaderMap) -> String {
    headers
        .iter()
        .map(|(name, value)| format!("{name}: {}\n", value.to_str().expect("text")))
        .collect()
}

async fn echo(body: Bytes) -> impl IntoResponse {
    (AppendHeaders([("x-cache", "hit"), ("x-tag", "a"), ("x-tag", "b")]), body)
}

async fn refuse(_: Request, _: Next) -> Problem {
    ProblemDetails::new(403).into()
}

async fn give_up(request: Request, next: Next) -> Result<Response, StatusCode> {
    let answered = next.run(request).now_or_never();
    answered.ok_or(StatusCode::SERVICE_UNAVAILABLE)
}

async fn websocket(State(setup): State<Setup>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(|socket| talk(socket, setup))
}

async fn traced_websocket(
    State(setup): State<Setup>,
    span: RequestSpan,
    upgrade: WebSocketUpgrade,
) -> Response {
    upgrade.on_upgrade(async move |socket| {
        span.websocket("/ws/traced").run(talk(socket, setup)).await;
    })
}

async fn talk(mut socket: WebSocket, setup: Setup) {
    while let Some(Ok(message)) = socket.recv().await {
        if let Message::Text(text) = message {
            (setup.work)(&setup);
            socket.send(Message::Text(text)).await.expect("the client reads");
        }
    }
}

/// Span that middleware inside ours has found.
#[derive(Clone)]
struct Found(String);

async fn inner(mut request: Request, next: Next) -> Response {
    let span = request.extensions().get::<RequestSpan>().expect("a span in the extensions");
    let current = Context::map_current(|cx| cx.span().span_context().trace_id());
    assert_eq!(span.trace_id(), current);
    request.extensions_mut().insert(Found(current.to_string()));
    next.run(request).await
}

async fn found(Extension(Found(trace_id)): Extension<Found>) -> String {
    trace_id
}
