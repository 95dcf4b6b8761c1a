use std::error::Error;

use actix_web::{
    App, HttpMessage, HttpRequest, HttpResponse, HttpServer, Responder,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    error::{ErrorBadRequest, ErrorServiceUnavailable},
    http::StatusCode,
    middleware::{Next, from_fn},
    rt,
    web::{self, Bytes, Data, Path, Payload, ServiceConfig},
};
use actix_ws::{Message, MessageStream, Session};
use futures_util::{FutureExt, StreamExt};
use opentelemetry::{Context, trace::TraceContextExt};
use tracing_actix_middleware::{Problem, ProblemDetails, RequestId, RequestSpan, Tracing};

use super::framework::sold_out;
use crate::{Framework, OrderError, Server, Setup};

/// actix-web, over its own HTTP implementation.
#[derive(Debug)]
pub struct Actix;

impl Framework for Actix {
    async fn serve(setup: Setup) -> Server {
        let tracing = setup.middleware(Tracing::builder());
        let server = HttpServer::new(move || {
            // Called on the thread of the only worker, which ends with the server.
            std::mem::forget(tracing::dispatcher::set_default(&setup.subscriber));
            App::new()
                .app_data(Data::new(setup.clone()))
                .configure(routes)
                .configure(|config| twice(config, tracing.clone()))
                .wrap(tracing.clone())
        });
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").expect("a free port");
        let address = server.addrs()[0];
        let running = server.run();
        let task = tokio::spawn(async move { running.await.expect("the listener works") });
        Server::new(address, task)
    }
}

fn routes(config: &mut ServiceConfig) {
    config
        .route("/items/{id}", web::get().to(async |id: Path<String>| format!("item {id}")))
        .route("/items/{id}", web::head().to(HttpResponse::Ok))
        .route("/status/{code}", web::get().to(status))
        .route("/empty", web::get().to(HttpResponse::NoContent))
        .route("/panic", web::get().to(panics))
        .route("/fails", web::get().to(fails))
        .route("/pending", web::get().to(pending))
        .route("/stream", web::get().to(stream))
        .route("/events", web::get().to(events))
        .route("/extractor", web::get().to(extractor))
        .route("/id", web::get().to(async |id: RequestId| id.to_string()))
        .route("/problem", web::get().to(sells_out))
        .service(web::resource("/refused").wrap(from_fn(refuse)).get(pending))
        .route("/work", web::get().to(work))
        .route("/forward", web::get().to(forward))
        .route("/headers", web::get().to(headers))
        .route("/echo", web::post().to(echo))
        .service(web::resource("/late").wrap(from_fn(give_up)).get(pending))
        .route("/ws", web::get().to(websocket))
        .route("/ws/traced", web::get().to(traced_websocket))
        .service(web::resource("/middleware").wrap(from_fn(inner)).get(found));
}

fn twice(config: &mut ServiceConfig, second: Tracing) {
    let item = async |id: Path<String>| format!("item {id}");
    config.service(web::resource("/twice/{id}").wrap(second).get(item));
}

async fn status(code: Path<u16>) -> impl Responder {
    HttpResponse::build(StatusCode::from_u16(*code).expect("a status code")).body("ok")
}

async fn fails(request: HttpRequest) -> actix_web::Result<HttpResponse> {
    let error: Box<dyn Error> = OrderError::default().into();
    match request.query_string() {
        "" => Err(error.into()),
        _ => Err(ErrorBadRequest(error)),
    }
}

async fn panics() -> HttpResponse {
    panic!("scripted");
}

async fn pending(setup: Data<Setup>) -> HttpResponse {
    let _destructor = setup.control.destructor();
    setup.control.enter();
    std::future::pending().await
}

async fn stream(setup: Data<Setup>) -> impl Responder {
    HttpResponse::Ok().streaming(setup.control.body())
}

async fn events(setup: Data<Setup>) -> impl Responder {
    HttpResponse::Ok().content_type("text/event-stream").streaming(setup.control.body())
}

async fn work(setup: Data<Setup>) -> impl Responder {
    (setup.work)(&setup);
    HttpResponse::Ok()
}

async fn extractor(span: RequestSpan) -> String {
    span.set_attribute("cart.items", 3);
    span.set_attribute("cart.bytes", 7_usize);
    span.set_metric_attribute("shop.plan", "free");
    span.record_error(&std::fmt::Error);
    format!("{} {}", span.trace_id(), span.span_id())
}

async fn forward(setup: Data<Setup>) -> impl Responder {
    let answer = setup.forward().await;
    let status = StatusCode::from_u16(answer.status().as_u16()).expect("a status code");
    HttpResponse::build(status).streaming(answer.bytes_stream())
}

async fn headers(request: HttpRequest) -> String {
    let headers = request.headers().iter();
    headers.map(|(name, value)| format!("{name}: {}\n", value.to_str().expect("text"))).collect()
}

async fn echo(body: Bytes) -> impl Responder {
    let mut response = HttpResponse::Ok();
    response.append_header(("x-cache", "hit"));
    response.append_header(("x-tag", "a")).append_header(("x-tag", "b")).body(body)
}

async fn sells_out() -> Result<HttpResponse, Problem> {
    Err(sold_out().into())
}

async fn refuse<B: MessageBody>(
    _: ServiceRequest,
    _: Next<B>,
) -> actix_web::Result<ServiceResponse<B>> {
    Err(Problem::from(ProblemDetails::new(403)).into())
}

async fn give_up<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> actix_web::Result<ServiceResponse<B>> {
    let answered = next.call(request).now_or_never();
    answered.unwrap_or_else(|| Err(ErrorServiceUnavailable("")))
}

async fn websocket(
    request: HttpRequest,
    payload: Payload,
    setup: Data<Setup>,
) -> actix_web::Result<HttpResponse> {
    let (response, session, messages) = actix_ws::handle(&request, payload)?;
    rt::spawn(talk(session, messages, setup));
    Ok(response)
}

async fn traced_websocket(
    request: HttpRequest,
    payload: Payload,
    setup: Data<Setup>,
    span: RequestSpan,
) -> actix_web::Result<HttpResponse> {
    let (response, session, messages) = actix_ws::handle(&request, payload)?;
    rt::spawn(async move {
        span.websocket("/ws/traced").run(talk(session, messages, setup)).await;
    });
    Ok(response)
}

async fn talk(mut session: Session, mut messages: MessageStream, setup: Data<Setup>) {
    while let Some(Ok(message)) = messages.next().await {
        match message {
            Message::Text(text) => {
                (setup.work)(&setup);
                session.text(text).await.expect("the client reads");
            }
            Message::Close(reason) => return session.close(reason).await.unwrap_or_default(),
            _ => {}
        }
    }
}

/// Span that middleware inside ours has found.
#[derive(Clone)]
struct Found(String);

async fn inner<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> actix_web::Result<ServiceResponse<B>> {
    let span =
        request.extensions().get::<RequestSpan>().cloned().expect("a span in the extensions");
    let current = Context::map_current(|cx| cx.span().span_context().trace_id());
    assert_eq!(span.trace_id(), current);
    request.extensions_mut().insert(Found(current.to_string()));
    next.call(request).await
}

async fn found(request: HttpRequest) -> String {
    request.extensions().get::<Found>().expect("the middleware was here").0.clone()
}
