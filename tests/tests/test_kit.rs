//! The test kit owns what real servers do on their own threads, and follows them across a call.

use std::net::SocketAddr;

use axum::{Router, routing::get};
use opentelemetry_sdk::{Resource, metrics::SdkMeterProvider};
use tokio::net::TcpListener;
use tracing::{Level, info_span};
use tracing_actix_middleware::Tracing;
use tracing_axum_layer::TracingLayer;
use tracing_core_ext::{
    client::Client,
    testing::{Receiver, Traces, any, trace},
    trace::TracerProvider,
};

fn price() -> &'static str {
    info_span!("price", item.id = 7).in_scope(|| tracing::warn!("low stock"));
    "4.20"
}

/// Serves the app of a test in tasks of the runtime.
async fn serve_axum() -> SocketAddr {
    let handler = || async {
        // A task on any thread, which belongs to the test by its span.
        let task = async { info_span!("background").in_scope(|| tracing::info!("done")) };
        tokio::spawn(tracing::Instrument::in_current_span(task)).await.unwrap();
        price()
    };
    let app = Router::new().route("/items/{id}", get(handler)).layer(TracingLayer::new());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

/// Serves the app of a test on threads of its own.
fn serve_actix() -> SocketAddr {
    let tracing = Tracing::new();
    let app = move || {
        let handler = actix_web::web::get().to(async || price());
        actix_web::App::new().route("/items/{id}", handler).wrap(tracing.clone())
    };
    let server = actix_web::HttpServer::new(app).workers(2).disable_signals();
    let server = server.bind("127.0.0.1:0").unwrap();
    let address = server.addrs()[0];
    tokio::spawn(server.run());
    address
}

/// Serves an app on a thread, and returns its address.
fn serve_on_a_thread(app: Router) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener).unwrap();
            axum::serve(listener, app).await.unwrap();
        });
    });
    address
}

async fn ask(address: SocketAddr) {
    let client = Client::new();
    let response = client.get(format!("http://{address}/items/7")).send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), "4.20");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_of_an_axum_service_is_one_trace_of_the_test() {
    let traces = Traces::new();
    ask(serve_axum().await).await;

    traces.only().await.is(trace! {
        client "GET" { http.response.status_code: 200, server.address: "127.0.0.1", .. } [
            server "GET /items/{id}" { http.route: "/items/{id}", url.path: "/items/7", .. } [
                "background",
                "price" { item.id: 7 },
            ],
        ]
    });
    traces.logs().within("price").has(Level::WARN, "low stock").count(1);
    traces.logs().within("background").has(Level::INFO, "done").count(1);
    traces.metric("http.server.request.duration").with("http.route", any()).unit("s").count(1);
    traces.metric("http.client.request.duration").count(1);
    traces.follow_conventions();
}

#[tokio::test]
async fn a_call_of_an_actix_service_is_one_trace_of_the_test() {
    let traces = Traces::new();
    ask(serve_actix()).await;

    traces.only().await.is(trace! {
        client "GET" { http.response.status_code: 200, .. } [
            server "GET /items/{id}" { http.route: "/items/{id}", .. } [ "price" { item.id: 7 } ],
        ]
    });
    traces.logs().within("price").has(Level::WARN, "low stock").count(1);
    traces.metric("http.server.request.duration").count(1);
    traces.follow_conventions();
}

#[tokio::test]
async fn two_services_of_a_test_are_kept_apart() {
    let stock = Traces::builder().service_name("stock").start();
    let address = serve_axum().await;
    let shop = Traces::builder().service_name("shop").start();
    ask(address).await;

    shop.only().await.is(trace! { client "GET" { .. } });
    let of_stock = stock.only().await;
    of_stock.is(trace! { server "GET /items/{id}" { .. } [ "price" { .. }, "background" ] });
    assert_eq!(shop.only().await.trace_id(), of_stock.trace_id());
    shop.metric("http.server.request.duration").count(0);
    stock.metric("http.client.request.duration").count(0);
}

#[tokio::test]
async fn a_receiver_compares_what_providers_on_other_threads_record() {
    let receiver = Receiver::new();
    let of_test = receiver.clone();
    // The metrics of a provider end when it is dropped.
    let (address, _metrics) = std::thread::spawn(move || {
        let spans = TracerProvider::builder()
            .with_resource(Resource::builder_empty().with_service_name("shop").build())
            .with_span_processor(of_test.clone())
            .build();
        let metrics = SdkMeterProvider::builder().with_reader(of_test.metric_reader()).build();
        let layer =
            TracingLayer::builder().tracer_provider(&spans).meter_provider(&metrics).build();
        let app = Router::new().route("/items/{id}", get(async || "4.20")).layer(layer);
        (serve_on_a_thread(app), metrics)
    })
    .join()
    .unwrap();
    ask(address).await;

    let trace = receiver.only().await;
    trace.is(trace! { server "GET /items/{id}" { http.response.status_code: 200, .. } });
    assert!(trace.waterfall().contains("shop"), "{}", trace.waterfall());
    receiver.metric("http.server.request.duration").with("http.route", "/items/{id}").count(1);
    let points = receiver.metric_points();
    assert!(points.iter().all(|point| point.scope == "tracing-axum-layer"), "{points:?}");
    receiver.follow_conventions();
}
