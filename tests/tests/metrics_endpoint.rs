//! The routes that answer scrapes, mounted on both frameworks.

use std::net::SocketAddr;

use actix_web::{App, HttpServer, web};
use axum::Router;
use opentelemetry::metrics::MeterProvider;
use reqwest::{Client, Method, Response};
use tokio::net::TcpListener;
use tracing_core_ext::{
    prometheus::{Endpoint, Prometheus},
    telemetry::Telemetry,
};

fn telemetry() -> Telemetry {
    let builder = Telemetry::builder().service_name("shop").variables(|_| None);
    let (telemetry, _) = builder.prometheus(Prometheus::mounted()).build().unwrap();
    let meter = telemetry.meter_provider().unwrap().meter("shop");
    meter.u64_counter("shop.orders").build().add(7, &[]);
    telemetry
}

async fn on_axum(endpoint: &Endpoint) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app: Router = axum_layer::metrics(endpoint);
    let app = app.nest("/internal", axum_layer::metrics(endpoint));
    tokio::spawn(async { axum::serve(listener, app).await });
    address
}

async fn on_actix(endpoint: &Endpoint) -> SocketAddr {
    let endpoint = endpoint.clone();
    let app = move || {
        let scope = web::scope("/internal").configure(actix_middleware::metrics(&endpoint));
        App::new().configure(actix_middleware::metrics(&endpoint)).service(scope)
    };
    let server = HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
    let address = server.addrs()[0];
    tokio::spawn(server.run());
    address
}

async fn ask(method: Method, address: SocketAddr, path: &str, accept: &str) -> Response {
    let client = Client::builder().no_proxy().build().unwrap();
    let request = client.request(method, format!("http://{address}{path}"));
    request.header("accept", accept).send().await.unwrap()
}

async fn answers_scrapes(telemetry: Telemetry, address: SocketAddr) {
    let get = |path| ask(Method::GET, address, path, "*/*");
    for path in ["/metrics", "/metrics/", "/internal/metrics", "/internal/metrics/"] {
        let response = get(path).await;
        let content_type = "text/plain; version=0.0.4; charset=utf-8";
        assert_eq!(response.headers()["content-type"], content_type, "{path}");
        assert!(!response.headers().contains_key("content-encoding"));
        let text = response.text().await.unwrap();
        assert!(text.contains("shop_orders_total{otel_scope_name=\"shop\"} 7\n"), "{text}");
    }
    let openmetrics = "application/openmetrics-text;version=1.0.0";
    let response = ask(Method::GET, address, "/metrics", openmetrics).await;
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(response.headers()["content-type"], content_type);
    assert!(response.text().await.unwrap().ends_with("# EOF\n"));

    let head = ask(Method::HEAD, address, "/health", "*/*").await;
    assert_eq!(
        (head.status().as_u16(), &head.headers()["content-length"]),
        (200, &"3".parse().unwrap())
    );
    assert_eq!(head.bytes().await.unwrap(), "");
    let refused = ask(Method::POST, address, "/metrics", "*/*").await;
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

#[tokio::test]
async fn axum_answers_scrapes() {
    let telemetry = telemetry();
    let address = on_axum(telemetry.metrics_endpoint().unwrap()).await;
    answers_scrapes(telemetry, address).await;
}

#[tokio::test]
async fn actix_answers_scrapes() {
    let telemetry = telemetry();
    let address = on_actix(telemetry.metrics_endpoint().unwrap()).await;
    answers_scrapes(telemetry, address).await;
}
