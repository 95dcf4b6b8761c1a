//! A program that calls a service within a span. The service continues the trace.
//!
//! Run with
//!
//! ```text
//! cargo run --bin axum_server &
//! cargo run --bin outbound_call
//! ```

use std::error::Error;

use tracing::Instrument;
use tracing_core_ext::{client::Client, telemetry::Telemetry};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::builder().service_name("outbound-call").install()?;

    let client = Client::new();
    let url = std::env::args().nth(1).unwrap_or_else(|| "http://127.0.0.1:3000/items/7".to_owned());
    if let Err(error) = ask(&client, &url).instrument(tracing::info_span!("ask")).await {
        tracing::error!(%error, "no answer");
    }

    Ok(telemetry.shutdown()?)
}

async fn ask(client: &Client, url: &str) -> reqwest::Result<()> {
    let answer = client.get(url).send().await?.error_for_status()?.text().await?;
    print!("{answer}");
    Ok(())
}
