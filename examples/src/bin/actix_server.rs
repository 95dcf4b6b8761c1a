//! An actix-web service whose every request is a trace, printed as a waterfall with its attributes.
//!
//! Run with
//!
//! ```text
//! cargo run --bin actix_server
//! curl http://127.0.0.1:3001/items/7
//! ```

use std::error::Error;

use actix_middleware::{RequestSpan, Tracing};
use actix_web::{App, HttpServer, get, web::Path};
use tracing_core_ext::telemetry::{Console, Telemetry};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::builder()
        .service_name("actix-server")
        .console(Console::new().attributes(true))
        .install()?;

    let tracing = Tracing::new();
    let server = HttpServer::new(move || App::new().service(item).wrap(tracing.clone()));
    let server = server.bind("127.0.0.1:3001")?;
    tracing::info!("listening on http://{}", server.addrs()[0]);
    server.run().await?;

    Ok(telemetry.shutdown()?)
}

#[get("/items/{id}")]
async fn item(id: Path<u32>, span: RequestSpan) -> String {
    span.set_attribute("item.id", i64::from(*id));
    let price = price(*id);
    tracing::info!(price, "looked the price up");
    format!("item {id} costs {price}, see trace {}\n", span.trace_id())
}

/// A span of your own, below the request's.
#[tracing::instrument]
fn price(id: u32) -> u32 {
    100 + id % 7
}
