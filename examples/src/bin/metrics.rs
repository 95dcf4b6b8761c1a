//! A service with its own metrics, from OpenTelemetry and from the `prometheus` crate, in one
//! scrape.
//!
//! Run with
//!
//! ```text
//! cargo run --bin metrics
//! curl http://127.0.0.1:3000/orders/tea
//! curl http://127.0.0.1:9464/metrics
//! ```

use std::error::Error;

use axum::{
    Router,
    extract::{Path, State},
    routing::get,
};
use opentelemetry::{KeyValue, global, metrics::Counter};
use prometheus::{Histogram, HistogramOpts};
use tokio::net::TcpListener;
use tracing_axum_layer::TracingLayer;
use tracing_core_ext::{prometheus::Prometheus, telemetry::Telemetry};

#[derive(Clone)]
struct Shop {
    orders: Counter<u64>,
    baskets: Histogram,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = HistogramOpts::new("shop_basket_items", "Items in a basket.");
    let baskets = Histogram::with_opts(options.buckets(vec![1.0, 5.0, 25.0]))?;
    let telemetry = Telemetry::builder()
        .service_name("metrics")
        .service_version(env!("CARGO_PKG_VERSION"))
        .environment("example")
        .prometheus(Prometheus::new().collector(baskets.clone()))
        .install()?;
    let meter = global::meter("shop");
    let orders = meter.u64_counter("shop.orders").with_description("Orders taken.").build();

    let app = Router::new()
        .route("/orders/{item}", get(order))
        .layer(TracingLayer::new())
        .with_state(Shop { orders, baskets });
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(address).await?;
    if let Some(address) = telemetry.metrics_address() {
        tracing::info!("metrics on http://{address}/metrics");
    }
    tokio::select! {
        result = axum::serve(listener, app).into_future() => result?,
        result = tokio::signal::ctrl_c() => result?,
    }

    Ok(telemetry.shutdown()?)
}

async fn order(State(shop): State<Shop>, Path(item): Path<String>) -> String {
    let kind = if item == "tea" { "tea" } else { "other" };
    shop.orders.add(1, &[KeyValue::new("shop.kind", kind)]);
    shop.baskets.observe(item.len() as f64);
    format!("one {item}\n")
}
