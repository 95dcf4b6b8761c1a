use axum::{Router, body::Body, extract::Path, routing::get};
use axum_layer::TracingLayer;
use axum_tracing_opentelemetry::middleware::OtelAxumLayer;
use http::Request;
use http_body_util::BodyExt;
use opentelemetry_instrumentation_tower::http::server;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime;
use tower::{ServiceExt, layer::util::Identity};
use tracing_core_ext::{exchange::Builder, propagation::W3cPropagator};

use crate::{Case, Driver, Middleware, by_hand::ByHandLayer, request, telemetry};

pub(crate) fn driver(case: Case) -> Driver {
    let provider = match case.middleware {
        Middleware::Ours | Middleware::OursMeasured | Middleware::OursSubscribed => {
            telemetry::provider_of_ours(case.sampling)
        }
        _ => telemetry::provider(case.sampling),
    };
    telemetry::install_globally(&provider);
    let subscriber = match case.middleware {
        Middleware::OursSubscribed => Some(telemetry::subscriber_of_ours(&provider)),
        Middleware::AxumTracing => Some(telemetry::plain_subscriber(&provider)),
        _ => None,
    };
    // As `axum::serve` does; else the layer would be applied anew for every request.
    let router = traced(case.middleware, &provider).with_state(());
    let runtime = runtime::Builder::new_current_thread().build().expect("a runtime of one thread");
    let send = move |requests| runtime.block_on(send(&router, case.tracestate, requests));
    Driver::new(send).with_subscriber(subscriber)
}

fn traced(middleware: Middleware, provider: &SdkTracerProvider) -> Router {
    let router = Router::new().route(request::ROUTE, get(async |Path(id): Path<String>| id));
    match middleware {
        Middleware::Bare => router,
        Middleware::Nothing => router.layer(Identity::new()),
        Middleware::ByHand => router.layer(ByHandLayer::new(provider)),
        Middleware::Ours | Middleware::OursSubscribed => router.layer(ours(provider).build()),
        Middleware::OursMeasured => {
            router.layer(ours(provider).meter_provider(&telemetry::meter_provider()).build())
        }
        Middleware::OursGlobal => router.layer(TracingLayer::new()),
        Middleware::OtelTower => router.layer(spans_only()),
        Middleware::AxumTracing => router.layer(OtelAxumLayer::default()),
        other => unreachable!("{other:?} is not for axum"),
    }
}

/// The global propagator is that of the others.
fn ours(provider: &SdkTracerProvider) -> Builder<TracingLayer> {
    TracingLayer::builder().tracer_provider(provider).propagator(W3cPropagator::new())
}

/// Nobody else counts metrics here.
fn spans_only() -> server::Layer {
    server::LayerBuilder::builder().with_metrics(false).build().expect("its own defaults")
}

async fn send(router: &Router, tracestate: bool, requests: usize) {
    for _ in 0..requests {
        let response = router.clone().oneshot(message(tracestate)).await.expect("a router answers");
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            frame.expect("a body in memory");
        }
    }
}

fn message(tracestate: bool) -> Request<Body> {
    let mut request = Request::get(request::PATH);
    for (name, value) in request::headers(tracestate) {
        request = request.header(name, value);
    }
    request.body(Body::empty()).expect("a valid request")
}
