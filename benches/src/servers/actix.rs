use std::{io, net::TcpListener};

use actix_http::Request;
use actix_web::{
    App, Error, HttpResponse, HttpServer,
    body::MessageBody,
    dev::{Service, ServiceFactory, ServiceRequest, ServiceResponse},
    rt::{Runtime, System},
    test::{self, TestRequest},
    web,
};
use opentelemetry_instrumentation_actix_web::{RequestMetrics, RequestTracing};
use tracing_actix_middleware::Tracing;
use tracing_actix_web::TracingLogger;

use super::frames::Frames;
use crate::{
    Driver, Mode, Site,
    request::{self, PEER},
    rig::Rig,
    telemetry,
};

pub(crate) fn bare(rig: &Rig) -> Site {
    site(rig, app)
}

pub(crate) fn ours(rig: &Rig) -> Site {
    let tracing = rig.equip(Tracing::builder()).build();
    site(rig, move || app().wrap(tracing.clone())).with_subscriber(rig.subscriber_of_ours())
}

pub(crate) fn otel_actix(rig: &Rig) -> Site {
    if rig.meters.is_none() {
        return site(rig, || app().wrap(RequestTracing::new()));
    }
    let metrics = RequestMetrics::default();
    site(rig, move || app().wrap(metrics.clone()).wrap(RequestTracing::new()))
}

pub(crate) fn tracing_actix(rig: &Rig) -> Site {
    let has_sdk = rig.tracers.is_some();
    let subscriber = has_sdk.then(|| telemetry::install_previous(rig.mode.is_sampled()));
    site(rig, || app().wrap(TracingLogger::default())).with_subscriber(subscriber)
}

/// A service with the middleware of `app`, and with the peer's address that `HttpServer` provides.
pub(crate) fn connected<T, B>(app: impl Fn() -> App<T> + Clone + Send + Sync + 'static) -> Site
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
    site(&Rig::untraced(Mode::Sampled), move || app().wrap_fn(with_peer))
}

fn with_peer<S: Service<ServiceRequest>>(mut request: ServiceRequest, next: &S) -> S::Future {
    request.head_mut().peer_addr = Some(PEER);
    next.call(request)
}

pub(crate) fn app() -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse,
        Error = Error,
        InitError = (),
    >,
> {
    App::new()
        .route(request::ROUTE, web::get().to(item))
        .route(request::FRAMES_ROUTE, web::get().to(frames))
}

async fn item(id: web::Path<String>) -> String {
    id.into_inner()
}

async fn frames(count: web::Path<usize>) -> HttpResponse {
    HttpResponse::Ok().body(Frames(count.into_inner()))
}

fn site<T, B>(rig: &Rig, app: impl Fn() -> App<T> + Clone + Send + Sync + 'static) -> Site
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
    let served = app.clone();
    let mode = rig.mode;
    let driver = move || {
        let runtime = Runtime::new().expect("a runtime of one thread");
        let service = runtime.block_on(test::init_service(app()));
        driver(runtime, service, mode)
    };
    Site::new(driver).with_server(move |listener| serve(served, listener))
}

fn serve<T, B>(
    app: impl Fn() -> App<T> + Clone + Send + 'static,
    listener: TcpListener,
) -> io::Result<()>
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
    let server = HttpServer::new(app).workers(1).listen(listener)?;
    System::new().block_on(server.run())
}

fn driver<S, B>(runtime: Runtime, service: S, mode: Mode) -> Driver
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody,
{
    Driver::new(move |count| {
        let (path, requests) = request::plan(mode, count);
        runtime.block_on(send(&service, mode, &path, requests));
    })
}

async fn send<S, B>(service: &S, mode: Mode, path: &str, requests: usize)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    for _ in 0..requests {
        let response = test::call_service(service, message(mode, path)).await;
        test::read_body(response).await;
    }
}

fn message(mode: Mode, path: &str) -> Request {
    let request = TestRequest::get().uri(path);
    request::headers(mode).fold(request, TestRequest::insert_header).to_request()
}
