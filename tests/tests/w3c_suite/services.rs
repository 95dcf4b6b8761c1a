//! Services that call the next one with each client.

use std::net::SocketAddr;

use actix_web::{
    App, HttpServer,
    web::{self, Data},
};
use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::Request,
    routing::get,
};
use http_body_util::BodyExt;
use hyper_util::{
    client::legacy::{Client as Hyper, connect::HttpConnector},
    rt::TokioExecutor,
};
use tests::{Axum, Framework, Server, Setup, SpanSink};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower::{Layer, Service as _};
use tracing_actix_middleware::{Tracing, client::ClientTracing};
use tracing_axum_layer::TracingLayer;
use tracing_core_ext::{
    client::{Client, ClientLayer, ClientService},
    trace::TracerProvider,
};

/// A service that calls the next one within each request, and the next one.
pub(crate) struct Running {
    address: SocketAddr,
    _next: Server,
}

pub(crate) trait Service {
    /// Serves `GET /{count}`, which calls the URL so many times and responds with the responses to
    /// these calls, separated by empty lines.
    async fn serve_calling(url: String, provider: TracerProvider) -> SocketAddr;

    async fn serve() -> Running {
        let next = Axum::serve(Setup::new(&SpanSink::new())).await;
        let address = Self::serve_calling(next.url("/headers"), SpanSink::new().provider()).await;
        Running { address, _next: next }
    }
}

impl Running {
    /// Sends a request with these header lines, as they are, within which the next service is called
    /// `count` times. Returns the header lines that it has received with each call.
    pub(crate) async fn call(&self, count: usize, lines: &[String]) -> Vec<String> {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let request =
            format!("GET /{count} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{lines}\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{lines}{response}");
        let body = response.split_once("\r\n\r\n").expect("a head").1;
        body.split_terminator("\n\n").map(str::to_owned).collect()
    }
}

async fn bind() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn reqwest_client(provider: &TracerProvider) -> Client {
    Client::builder().tracer_provider(provider).wrap(reqwest::Client::new())
}

pub(crate) struct AxumReqwest;

impl Service for AxumReqwest {
    async fn serve_calling(url: String, provider: TracerProvider) -> SocketAddr {
        let (listener, address) = bind().await;
        let app = Router::new()
            .route("/{count}", get(axum_with_reqwest))
            .layer(TracingLayer::builder().tracer_provider(&provider).build())
            .with_state((reqwest_client(&provider), url));
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    }
}

async fn axum_with_reqwest(
    State((client, url)): State<(Client, String)>,
    Path(count): Path<usize>,
) -> String {
    let mut responses = String::new();
    for _ in 0..count {
        responses += &client.get(&url).send().await.unwrap().text().await.unwrap();
        responses += "\n";
    }
    responses
}

pub(crate) struct AxumTower;

type TowerClient = ClientService<Hyper<HttpConnector, Body>>;

impl Service for AxumTower {
    async fn serve_calling(url: String, provider: TracerProvider) -> SocketAddr {
        let (listener, address) = bind().await;
        let client = Hyper::builder(TokioExecutor::new()).build_http();
        let client = ClientLayer::builder().tracer_provider(&provider).build().layer(client);
        let app = Router::new()
            .route("/{count}", get(axum_with_tower))
            .layer(TracingLayer::builder().tracer_provider(&provider).build())
            .with_state((client, url));
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    }
}

async fn axum_with_tower(
    State((mut client, url)): State<(TowerClient, String)>,
    Path(count): Path<usize>,
) -> String {
    let mut responses = String::new();
    for _ in 0..count {
        let request = Request::get(&url).body(Body::empty()).unwrap();
        let response = client.call(request).await.unwrap();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        responses += std::str::from_utf8(&bytes).unwrap();
        responses += "\n";
    }
    responses
}

pub(crate) struct ActixReqwest;

impl Service for ActixReqwest {
    async fn serve_calling(url: String, provider: TracerProvider) -> SocketAddr {
        let client = reqwest_client(&provider);
        let tracing = Tracing::builder().tracer_provider(&provider).build();
        let server = HttpServer::new(move || {
            App::new()
                .app_data(Data::new((client.clone(), url.clone())))
                .route("/{count}", web::get().to(actix_with_reqwest))
                .wrap(tracing.clone())
        });
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let address = server.addrs()[0];
        tokio::spawn(server.run());
        address
    }
}

async fn actix_with_reqwest(data: Data<(Client, String)>, count: web::Path<usize>) -> String {
    let (client, url) = &**data;
    let mut responses = String::new();
    for _ in 0..*count {
        responses += &client.get(url).send().await.unwrap().text().await.unwrap();
        responses += "\n";
    }
    responses
}

pub(crate) struct ActixAwc;

impl Service for ActixAwc {
    async fn serve_calling(url: String, provider: TracerProvider) -> SocketAddr {
        let tracing = Tracing::builder().tracer_provider(&provider).build();
        let server = HttpServer::new(move || {
            let client = ClientTracing::builder().tracer_provider(&provider).build();
            let client = awc::Client::builder().wrap(client).finish();
            App::new()
                .app_data(Data::new((client, url.clone())))
                .route("/{count}", web::get().to(actix_with_awc))
                .wrap(tracing.clone())
        });
        let server = server.workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
        let address = server.addrs()[0];
        tokio::spawn(server.run());
        address
    }
}

async fn actix_with_awc(data: Data<(awc::Client, String)>, count: web::Path<usize>) -> String {
    let (client, url) = &**data;
    let mut responses = String::new();
    for _ in 0..*count {
        let body = client.get(url).send().await.unwrap().body().await.unwrap();
        responses += std::str::from_utf8(&body).unwrap();
        responses += "\n";
    }
    responses
}
