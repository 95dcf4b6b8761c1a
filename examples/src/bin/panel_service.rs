//! An axum service that shows its own telemetry in a browser.
//!
//! Run with
//!
//! ```text
//! OTEL_TRACES_EXPORTER=none cargo run --bin panel_service
//! curl http://127.0.0.1:3000/orders/tea
//! curl http://127.0.0.1:3000/orders/durian  # fails
//! curl http://127.0.0.1:3000/slow           # runs for half a minute
//! ```
//!
//! and open <http://127.0.0.1:4380/>. `panel_service ADDRESS PANEL_ADDRESS` listens elsewhere. The panel is one more exporter:
//! without `OTEL_TRACES_EXPORTER=none` each trace is printed as well.

use std::{error::Error, net::SocketAddr, time::Duration};

use axum::{Router, extract::Path, http::StatusCode, routing::get};
use tokio::{net::TcpListener, time::sleep};
use tracing_axum_layer::TracingLayer;
use tracing_core_ext::{panel::Panel, telemetry::Telemetry};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut addresses = std::env::args().skip(1);
    let address = addresses.next().unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let mut panel = Panel::new();
    if let Some(address) = addresses.next() {
        panel = panel.listen_on(address.parse::<SocketAddr>()?);
    }
    let telemetry = Telemetry::builder().service_name("orders").panel(panel).install()?;

    let app = Router::new()
        .route("/orders/{item}", get(order))
        .route("/slow", get(slow))
        .layer(TracingLayer::new());
    let listener = TcpListener::bind(address).await?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    tokio::select! {
        result = axum::serve(listener, app).into_future() => result?,
        result = tokio::signal::ctrl_c() => result?,
    }

    Ok(telemetry.shutdown()?)
}

async fn order(Path(item): Path<String>) -> (StatusCode, String) {
    tracing::info!(item, "order received");
    match stock(&item) {
        0 => {
            tracing::error!(item, "out of stock");
            (StatusCode::SERVICE_UNAVAILABLE, format!("{item} is out of stock\n"))
        }
        amount => (StatusCode::OK, format!("{item} is ordered, {amount} are left\n")),
    }
}

/// A span of the service, below that of the request.
#[tracing::instrument(skip_all, fields(shop.item = item))]
fn stock(item: &str) -> usize {
    if item == "durian" { 0 } else { item.len() }
}

async fn slow() -> &'static str {
    sleep(Duration::from_secs(30)).await;
    "slow\n"
}
