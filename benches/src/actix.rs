use actix_http::Request;
use actix_middleware::Tracing;
use actix_web::{
    App, Error,
    body::MessageBody,
    dev::{Service, ServiceResponse},
    rt::Runtime,
    test::{self, TestRequest},
    web,
};

use opentelemetry_instrumentation_actix_web::RequestTracing;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_core_ext::{exchange::Builder, propagation::W3cPropagator};

use crate::{Case, Driver, Middleware, request, telemetry};

pub(crate) fn driver(case: Case) -> Driver {
    let provider = match case.middleware {
        Middleware::Ours | Middleware::OursMeasured => telemetry::provider_of_ours(case.sampling),
        _ => telemetry::provider(case.sampling),
    };
    telemetry::install_globally(&provider);
    let app = || App::new().route(request::ROUTE, web::get().to(item));
    let runtime = Runtime::new().expect("a runtime of one thread");
    match case.middleware {
        Middleware::Bare => drive(runtime, case, test::init_service(app())),
        Middleware::Ours => {
            drive(runtime, case, test::init_service(app().wrap(ours(&provider).build())))
        }
        Middleware::OursMeasured => {
            let tracing = ours(&provider).meter_provider(&telemetry::meter_provider());
            drive(runtime, case, test::init_service(app().wrap(tracing.build())))
        }
        Middleware::OtelActix => {
            drive(runtime, case, test::init_service(app().wrap(RequestTracing::new())))
        }
        other => unreachable!("{other:?} is not for actix-web"),
    }
}

/// The global propagator is that of the others.
fn ours(provider: &SdkTracerProvider) -> Builder<Tracing> {
    Tracing::builder().tracer_provider(provider).propagator(W3cPropagator::new())
}

async fn item(id: web::Path<String>) -> String {
    id.into_inner()
}

fn drive<S, B>(runtime: Runtime, case: Case, service: impl Future<Output = S>) -> Driver
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody,
{
    let service = runtime.block_on(service);
    Driver::new(move |requests| runtime.block_on(send(&service, case.tracestate, requests)))
}

async fn send<S, B>(service: &S, tracestate: bool, requests: usize)
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    for _ in 0..requests {
        let response = test::call_service(service, message(tracestate)).await;
        test::read_body(response).await;
    }
}

fn message(tracestate: bool) -> Request {
    let request = TestRequest::get().uri(request::PATH);
    request::headers(tracestate).fold(request, TestRequest::insert_header).to_request()
}
