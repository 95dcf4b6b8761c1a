//! An axum service whose every request is a trace, printed as a waterfall.
//!
//! Run with
//!
//! ```text
//! cargo run --bin axum_server
//! curl http://127.0.0.1:3000/items/7
//! ```

use std::{error::Error, net::SocketAddr};

use axum::{Router, extract::Path, routing::get};
use axum_layer::{RequestSpan, TracingLayer};
use examples::processes::interrupted;
use tokio::net::TcpListener;
use tracing_core_ext::telemetry::Telemetry;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::builder().service_name("axum-server").install()?;

    let app = Router::new().route("/items/{id}", get(item)).layer(TracingLayer::new());
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(interrupted())
        .await?;

    Ok(telemetry.shutdown()?)
}

async fn item(Path(id): Path<u32>, span: RequestSpan) -> String {
    span.set_attribute("item.id", i64::from(id));
    let price = price(id);
    tracing::info!(price, "looked the price up");
    format!("item {id} costs {price}, see trace {}\n", span.trace_id())
}

/// A span of your own, below the request's.
#[tracing::instrument]
fn price(id: u32) -> u32 {
    100 + id % 7
}
