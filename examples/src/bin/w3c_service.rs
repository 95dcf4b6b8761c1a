//! A service for the W3C Trace Context conformance suite. `POST /test` receives a JSON array of
//! `{"url", "arguments"}` and posts each `arguments` to its `url`, with the trace context of the
//! request.
//!
//! Run with
//!
//! ```text
//! cargo run --bin w3c_service -- --framework axum --port 7000
//! ```
//!
//! and pass its URL to the suite: `python3 test/test.py http://127.0.0.1:7000/test`.

use std::error::Error;

use actix_web::{
    App, HttpResponse, HttpServer,
    error::ErrorBadGateway,
    web::{self, Data},
};
use axum::{Json, Router, extract::State, http::StatusCode, routing::post};
use clap::{Parser, ValueEnum};
use examples::processes::{DRAIN, announce, drained, interrupted};
use futures_util::future::try_join_all;
use serde::Deserialize;
use serde_json::Value;
use tokio::net::TcpListener;
use tracing_actix_middleware::Tracing;
use tracing_axum_layer::TracingLayer;
use tracing_core_ext::{client::Client, telemetry::Telemetry};

/// A service for the W3C Trace Context conformance suite.
#[derive(Parser)]
struct Options {
    /// Framework of the tested middleware.
    #[arg(long, value_enum)]
    framework: Framework,
    /// Port to listen on at 127.0.0.1; 0 selects a free one.
    #[arg(long)]
    port: u16,
}

#[derive(Clone, Copy, ValueEnum)]
enum Framework {
    Axum,
    Actix,
}

#[derive(Deserialize)]
struct Call {
    url: String,
    arguments: Value,
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let telemetry = Telemetry::builder().service_name("w3c-service").install()?;
    match options.framework {
        Framework::Axum => serve_axum(options.port, client()?).await?,
        Framework::Actix => serve_actix(options.port, client()?).await?,
    }
    Ok(telemetry.shutdown()?)
}

/// Returns a client that calls the suite directly, without a proxy of the environment.
fn client() -> reqwest::Result<Client> {
    Ok(Client::from(reqwest::Client::builder().no_proxy().build()?))
}

async fn serve_axum(port: u16, client: Client) -> std::io::Result<()> {
    let app =
        Router::new().route("/test", post(axum_test)).layer(TracingLayer::new()).with_state(client);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    announce(&format!("http://{}", listener.local_addr()?))?;
    let server = axum::serve(listener, app).with_graceful_shutdown(interrupted());
    drained(interrupted(), server).await
}

async fn axum_test(State(client): State<Client>, Json(calls): Json<Vec<Call>>) -> StatusCode {
    match make(&client, calls).await {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::BAD_GATEWAY,
    }
}

async fn serve_actix(port: u16, client: Client) -> std::io::Result<()> {
    let (tracing, client) = (Tracing::new(), Data::new(client));
    let app = move || {
        App::new()
            .app_data(client.clone())
            .route("/test", web::post().to(actix_test))
            .wrap(tracing.clone())
    };
    let server = HttpServer::new(app).shutdown_signal(interrupted());
    let server = server.shutdown_timeout(DRAIN.as_secs()).bind(("127.0.0.1", port))?;
    announce(&format!("http://{}", server.addrs()[0]))?;
    server.run().await
}

async fn actix_test(
    client: Data<Client>,
    calls: web::Json<Vec<Call>>,
) -> actix_web::Result<HttpResponse> {
    make(&client, calls.into_inner()).await.map_err(ErrorBadGateway)?;
    Ok(HttpResponse::Ok().finish())
}

async fn make(client: &Client, calls: Vec<Call>) -> reqwest::Result<()> {
    let calls = calls.into_iter().map(|call| client.post(call.url).json(&call.arguments).send());
    try_join_all(calls).await.map(drop)
}
