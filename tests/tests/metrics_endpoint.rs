//! Routes for scrapes: mounted on both frameworks, as documented, and at the listener.

use std::{
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant},
};

use actix_web::{App, HttpServer, web};
use axum::{Router, routing::get};
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{
    core::{Collector, Desc},
    proto::MetricFamily,
};
use reqwest::{Client, Method, Response};
use tests::SpanSink;
use tokio::net::TcpListener;
use tracing_actix_middleware::Tracing;
use tracing_axum_layer::TracingLayer;
use tracing_core_ext::{
    prometheus::{Endpoint, Prometheus},
    telemetry::Telemetry,
};

/// A server of `endpoint`, with spans for all other requests, on one worker thread.
trait Serve {
    async fn serve(endpoint: &Endpoint, sink: &SpanSink) -> SocketAddr;
}

struct OnAxum;

struct OnActix;

impl Serve for OnAxum {
    async fn serve(endpoint: &Endpoint, sink: &SpanSink) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tracing = TracingLayer::builder()
            .tracer_provider(&sink.provider())
            .meter_provider(&SdkMeterProvider::default());
        let app: Router = Router::new().route("/", get(async || "hello")).layer(tracing.build());
        let app = tracing_axum_layer::with_metrics(app, endpoint);
        let app = app.nest("/internal", tracing_axum_layer::with_metrics(Router::new(), endpoint));
        tokio::spawn(async { axum::serve(listener, app).await });
        address
    }
}

impl Serve for OnActix {
    async fn serve(endpoint: &Endpoint, sink: &SpanSink) -> SocketAddr {
        let (endpoint, provider) = (endpoint.clone(), sink.provider());
        let app = move || {
            let tracing = Tracing::builder()
                .tracer_provider(&provider)
                .meter_provider(&SdkMeterProvider::default())
                .filter(|request| !Endpoint::PATHS.contains(&request.path()));
            let scope =
                web::scope("/internal").configure(tracing_actix_middleware::metrics(&endpoint));
            App::new()
                .configure(tracing_actix_middleware::metrics(&endpoint))
                .service(scope)
                .route("/", web::get().to(async || "hello"))
                .wrap(tracing.build())
        };
        let server = HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let address = server.addrs()[0];
        tokio::spawn(server.run());
        address
    }
}

macro_rules! on_both {
    ($($scenario:ident),+ $(,)?) => {
        tests::on!(axum_routes, crate::OnAxum, $($scenario),+);
        tests::on!(actix_routes, crate::OnActix, $($scenario),+);
    };
}

on_both![
    scrapes_are_responded_to,
    a_request_that_no_route_matches_has_a_span_and_a_scrape_has_none,
    a_scrape_that_hangs_delays_no_other_request,
];

fn telemetry(options: Prometheus) -> Telemetry {
    let builder = Telemetry::builder().service_name("shop").variables(|_| None);
    let (telemetry, _) =
        builder.exporter(SpanSink::new().receiver()).prometheus(options).build().unwrap();
    let meter = telemetry.meter_provider().unwrap().meter("shop");
    meter.u64_counter("shop.orders").build().add(7, &[]);
    telemetry
}

async fn send(method: Method, address: SocketAddr, path: &str, header: (&str, &str)) -> Response {
    let client = Client::builder().no_proxy().build().unwrap();
    let request = client.request(method, format!("http://{address}{path}"));
    request.header(header.0, header.1).send().await.unwrap()
}

const ANY: (&str, &str) = ("accept", "*/*");

async fn scrapes_are_responded_to<S: Serve>() {
    let telemetry = telemetry(Prometheus::mounted());
    let address = S::serve(telemetry.metrics_endpoint().unwrap(), &SpanSink::new()).await;
    let get = |path| send(Method::GET, address, path, ANY);
    for path in ["/metrics", "/metrics/", "/internal/metrics", "/internal/metrics/"] {
        let response = get(path).await;
        let content_type = "text/plain; version=0.0.4; charset=utf-8";
        assert_eq!(response.headers()["content-type"], content_type, "{path}");
        assert!(!response.headers().contains_key("content-encoding"));
        let text = response.text().await.unwrap();
        assert!(text.contains("shop_orders_total{otel_scope_name=\"shop\"} 7\n"), "{text}");
    }
    let openmetrics = ("accept", "application/openmetrics-text;version=1.0.0");
    let response = send(Method::GET, address, "/metrics", openmetrics).await;
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(response.headers()["content-type"], content_type);
    assert!(response.text().await.unwrap().ends_with("# EOF\n"));

    let head = send(Method::HEAD, address, "/health", ANY).await;
    assert_eq!(
        (head.status().as_u16(), &head.headers()["content-length"]),
        (200, &"3".parse().unwrap())
    );
    assert_eq!(head.bytes().await.unwrap(), "");
    let head = send(Method::HEAD, address, "/metrics", ANY).await;
    assert_ne!(head.headers()["content-length"], "0");
    assert_eq!(head.bytes().await.unwrap(), "");
    let refused = send(Method::POST, address, "/metrics", ANY).await;
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()["allow"]),
        (405, &"GET, HEAD".parse().unwrap())
    );
    assert!(get("/info").await.text().await.unwrap().contains("\"service\":\"shop\""));

    telemetry.shutdown().unwrap();
    let response = get("/metrics").await;
    assert_eq!(response.status(), 503);
    assert_eq!(response.text().await.unwrap(), "telemetry is shut down\n");
}

async fn a_request_that_no_route_matches_has_a_span_and_a_scrape_has_none<S: Serve>() {
    let telemetry = telemetry(Prometheus::mounted());
    let sink = SpanSink::new();
    let address = S::serve(telemetry.metrics_endpoint().unwrap(), &sink).await;
    for (path, status) in [("/metrics", 200), ("/wp-admin", 404), ("/health", 200), ("/", 200)] {
        let response = send(Method::GET, address, path, ANY).await;
        assert_eq!(response.status(), status, "{path}");
        response.bytes().await.unwrap();
    }
    let names: Vec<_> = sink.wait_for(2).await.into_iter().map(|span| span.name.clone()).collect();
    assert_eq!(names, ["GET", "GET /"]);
}

/// The test fails then, and does not hang.
const LONGER_THAN_ANY_LIMIT: Duration = Duration::from_secs(12);

/// Blocks each scrape until the sender is dropped. It is collected from once when it is registered.
struct Hanging {
    released: Mutex<Receiver<()>>,
    is_registered: AtomicBool,
    desc: Desc,
}

fn hanging() -> (Hanging, Sender<()>) {
    let (release, released) = channel();
    let desc = Desc::new("slow".to_owned(), "Slow.".to_owned(), Vec::new(), [].into()).unwrap();
    let (released, is_registered) = (Mutex::new(released), AtomicBool::new(false));
    (Hanging { released, is_registered, desc }, release)
}

impl Collector for Hanging {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        if self.is_registered.swap(true, Ordering::Relaxed) {
            let _ = self.released.lock().unwrap().recv_timeout(LONGER_THAN_ANY_LIMIT);
        }
        Vec::new()
    }
}

async fn a_scrape_that_hangs_delays_no_other_request<S: Serve>() {
    let (collector, release) = hanging();
    let telemetry = telemetry(Prometheus::mounted().collector(collector));
    let sink = SpanSink::new();
    let address = S::serve(telemetry.metrics_endpoint().unwrap(), &sink).await;
    hangs_alone(address, &["/", "/health", "/info"], release).await;
}

#[tokio::test]
async fn the_listener_responds_to_others_while_a_scrape_hangs() {
    let (collector, release) = hanging();
    let options = Prometheus::new().listen_on(([127, 0, 0, 1], 0)).collector(collector);
    let telemetry = telemetry(options);
    let address = telemetry.metrics_address().unwrap();
    hangs_alone(address, &["/health", "/info"], release).await;
    telemetry.shutdown().unwrap();
}

#[tokio::test]
async fn shutdown_does_not_wait_for_a_scrape_that_hangs() {
    let (collector, release) = hanging();
    let options = Prometheus::new().listen_on(([127, 0, 0, 1], 0)).collector(collector);
    let telemetry = telemetry(options);
    let scrape = "/metrics";
    send(Method::GET, telemetry.metrics_address().unwrap(), scrape, (TIMEOUT, "0.1")).await;
    telemetry.shutdown().unwrap();
    drop(release);
}

const TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";

async fn hangs_alone(address: SocketAddr, others: &[&str], release: Sender<()>) {
    let scrape = tokio::spawn(send(Method::GET, address, "/metrics", (TIMEOUT, "3")));
    let started = Instant::now();
    // This one waits for the first one, and gives up before it.
    let second = send(Method::GET, address, "/metrics", (TIMEOUT, "0.5")).await;
    assert_eq!(second.status(), 503);
    let text = second.text().await.unwrap();
    assert_eq!(text, "the metrics were not gathered within 450ms\n");
    for path in others {
        assert_eq!(send(Method::GET, address, path, ANY).await.status(), 200, "{path}");
    }
    assert!(started.elapsed().as_secs_f64() < 2.5, "the first scrape has ended meanwhile");
    let first = scrape.await.unwrap();
    assert_eq!(first.status(), 503);
    assert_eq!(first.text().await.unwrap(), "the metrics were not gathered within 2.7s\n");

    drop(release);
    let after = send(Method::GET, address, "/metrics", (TIMEOUT, "20")).await;
    assert_eq!(after.status(), 200);
}
