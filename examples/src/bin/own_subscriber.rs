//! A service with its own `tracing` subscriber: its log lines have their own format and the ids of
//! the trace, and every span is exported and printed as a line of JSON.
//!
//! Run with
//!
//! ```text
//! cargo run --bin own_subscriber
//! curl http://127.0.0.1:3000/items/7
//! ```

use std::error::Error;

use axum::{Router, extract::Path, routing::get};
use tokio::net::TcpListener;
use tracing_axum_layer::TracingLayer;
use tracing_core_ext::telemetry::{Console, Telemetry, WithTraceIds};
use tracing_subscriber::{
    EnvFilter, Layer, filter::LevelFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::builder()
        .service_name("own-subscriber")
        .console(Console::new().json())
        .install_without_subscriber()?;

    let format = WithTraceIds::text(fmt::format().without_time().with_target(false));
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(false).event_format(format);
    tracing_subscriber::registry()
        .with(lines.with_filter(EnvFilter::new("info")))
        .with(telemetry.layer(LevelFilter::INFO))
        .init();

    let app = Router::new().route("/items/{id}", get(item)).layer(TracingLayer::new());
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    tokio::select! {
        result = axum::serve(listener, app).into_future() => result?,
        result = tokio::signal::ctrl_c() => result?,
    }

    Ok(telemetry.shutdown()?)
}

async fn item(Path(id): Path<u32>) -> String {
    tracing::info!(id, "looked up");
    format!("item {id}\n")
}
