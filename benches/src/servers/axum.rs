use std::net::TcpListener;

use axum::{
    Extension, Router,
    body::Body,
    extract::{ConnectInfo, Path},
    routing::get,
};
use axum_tracing_opentelemetry::middleware::OtelAxumLayer;
use http::Request;
use http_body_util::BodyExt;
use opentelemetry::global;
use opentelemetry_instrumentation_tower::http::server;
use tokio::runtime::{self, Runtime};
use tower::{ServiceExt, layer::util::Identity};
use tower_otel::{metrics, trace};
use tracing::{Dispatch, Level, level_filters::LevelFilter};
use tracing_axum_layer::TracingLayer;

use super::{by_hand::ByHandLayer, frames::Frames};
use crate::{Driver, Mode, Site, request, rig::Rig, telemetry::current};

pub(crate) fn bare(rig: &Rig) -> Site {
    site(rig, router())
}

pub(crate) fn nothing(rig: &Rig) -> Site {
    site(rig, router().layer(Identity::new()))
}

pub(crate) fn by_hand(rig: &Rig) -> Site {
    let tracers = rig.tracers.as_ref().expect("a mode with spans");
    site(rig, router().layer(ByHandLayer::new(tracers)))
}

pub(crate) fn ours(rig: &Rig) -> Site {
    let layer = rig.equip(TracingLayer::builder()).build();
    site(rig, router().layer(layer)).with_subscriber(rig.subscriber_of_ours())
}

pub(crate) fn ours_global(rig: &Rig) -> Site {
    site(rig, router().layer(TracingLayer::new()))
}

pub(crate) fn otel_tower(rig: &Rig) -> Site {
    let layer = server::LayerBuilder::builder().with_metrics(rig.meters.is_some()).build();
    site(rig, router().layer(layer.expect("its own defaults")))
}

/// The spans of this middleware are below the level `TRACE`.
pub(crate) fn axum_tracing(rig: &Rig) -> Site {
    let subscriber = subscriber(rig, LevelFilter::TRACE);
    site(rig, router().layer(OtelAxumLayer::default())).with_subscriber(subscriber)
}

pub(crate) fn tower_otel(rig: &Rig) -> Site {
    let mut router = router();
    if rig.meters.is_some() {
        router = router.layer(metrics::HttpLayer::server(&global::meter("benches")));
    }
    let router = router.layer(trace::HttpLayer::server(Level::INFO));
    site(rig, router).with_subscriber(subscriber(rig, LevelFilter::INFO))
}

/// A service with the middleware that `wrap` adds, and with the peer's address that `axum::serve` provides.
pub(crate) fn connected(wrap: impl FnOnce(Router) -> Router) -> Site {
    let peer = Extension(ConnectInfo(request::PEER));
    site(&Rig::untraced(Mode::Sampled), wrap(router()).layer(peer))
}

fn subscriber(rig: &Rig, level: LevelFilter) -> Option<Dispatch> {
    rig.tracers.as_ref().map(|tracers| current::subscriber(tracers, level))
}

fn router() -> Router {
    let frames = async |Path(count): Path<usize>| Body::new(Frames(count));
    Router::new()
        .route(request::ROUTE, get(async |Path(id): Path<String>| id))
        .route(request::FRAMES_ROUTE, get(frames))
}

fn site(rig: &Rig, router: Router) -> Site {
    // As in `axum::serve`. Otherwise the layer would be applied again for every request.
    let router: Router = router.with_state(());
    let served = router.clone();
    let mode = rig.mode;
    Site::new(move || driver(router.clone(), mode)).with_server(move |listener| {
        runtime().block_on(async { axum::serve(accepting(listener)?, served).await })
    })
}

fn driver(router: Router, mode: Mode) -> Driver {
    let runtime = runtime();
    Driver::new(move |count| {
        let (path, requests) = request::plan(mode, count);
        runtime.block_on(send(&router, mode, &path, requests));
    })
}

async fn send(router: &Router, mode: Mode, path: &str, requests: usize) {
    for _ in 0..requests {
        let response = router.clone().oneshot(message(mode, path)).await.expect("a router answers");
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            frame.expect("a body in memory");
        }
    }
}

fn message(mode: Mode, path: &str) -> Request<Body> {
    let mut request = Request::get(path);
    for (name, value) in request::headers(mode) {
        request = request.header(name, value);
    }
    request.body(Body::empty()).expect("a valid request")
}

fn accepting(listener: TcpListener) -> std::io::Result<tokio::net::TcpListener> {
    listener.set_nonblocking(true)?;
    tokio::net::TcpListener::from_std(listener)
}

fn runtime() -> Runtime {
    runtime::Builder::new_current_thread().enable_all().build().expect("a runtime of one thread")
}
