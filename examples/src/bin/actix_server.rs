//! An actix-web service whose requests are printed as traces, each as a waterfall.
//!
//! Run with
//!
//! ```text
//! cargo run --bin actix_server
//! curl http://127.0.0.1:3001/items/7
//! ```
//!
//! or `actix_server ADDRESS` to listen on another address. Ctrl-C stops it, and SIGTERM does so
//! after requests are answered. Spans are exported in both cases.

use std::error::Error;

use actix_web::{App, HttpServer, get, web::Path};
use tracing_actix_middleware::{RequestSpan, Tracing};
use tracing_core_ext::telemetry::Telemetry;

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::builder().service_name("actix-server").install()?;

    let tracing = Tracing::new();
    let server = HttpServer::new(move || App::new().service(item).wrap(tracing.clone()));
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3001".to_owned());
    // Requests have this number of seconds to end after SIGTERM.
    let server = server.shutdown_timeout(10).bind(address)?;
    tracing::info!("listening on http://{}", server.addrs()[0]);
    server.run().await?;

    Ok(telemetry.shutdown()?)
}

#[get("/items/{id}")]
async fn item(id: Path<u32>, span: RequestSpan) -> String {
    span.set_attribute("item.id", *id);
    let price = price(*id);
    tracing::info!(item.price = price, "looked the price up");
    format!("item {id} costs {price}, see trace {}\n", span.trace_id())
}

/// A span of the service, below that of the request.
#[tracing::instrument(skip_all, fields(item.id = id))]
fn price(id: u32) -> u32 {
    100 + id % 7
}
