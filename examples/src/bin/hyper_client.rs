//! A program that calls a service with hyper's client, whose requests a Tower layer traces. It
//! prints its spans with their attributes.
//!
//! Run with
//!
//! ```text
//! cargo run --bin axum_server &
//! cargo run --bin hyper_client
//! ```

use std::error::Error;

use axum::{body::Body, http::Request};
use http_body_util::BodyExt;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tower::{Layer, Service};
use tracing::Instrument;
use tracing_core_ext::{
    client::{ClientLayer, ClientService},
    telemetry::{Console, Telemetry},
};

type HyperClient = ClientService<Client<HttpConnector, Body>>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::builder()
        .service_name("hyper-client")
        .console(Console::new().attributes(true))
        .install()?;

    let hyper = Client::builder(TokioExecutor::new()).build_http();
    let client = ClientLayer::new().layer(hyper);
    let url = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:3000/items/7".to_owned());
    if let Err(error) = ask(client, &url).instrument(tracing::info_span!("ask")).await {
        tracing::error!(error, "no answer");
    }

    Ok(telemetry.shutdown()?)
}

async fn ask(mut client: HyperClient, url: &str) -> Result<(), Box<dyn Error>> {
    let response = client.call(Request::get(url).body(Body::empty())?).await?;
    let answer = response.into_body().collect().await?.to_bytes();
    print!("{}", String::from_utf8_lossy(&answer));
    Ok(())
}
