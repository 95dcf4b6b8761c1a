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

    // Built once, so that all workers share it.
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

#[cfg(test)]
mod tests {
    use actix_web::test::{TestRequest, call_and_read_body, init_service};
    use tracing::Level;
    use tracing_core_ext::testing::{Traces, trace};

    use super::*;

    async fn get(path: &str) -> String {
        let app = init_service(App::new().service(item).wrap(Tracing::new())).await;
        // The span ends with the body.
        let body = call_and_read_body(&app, TestRequest::get().uri(path).to_request()).await;
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[actix_web::test]
    async fn a_request_asks_for_the_price_once() {
        let traces = Traces::new();
        let body = get("/items/7").await;

        let trace = traces.only().await;
        trace.is(trace! {
            server "GET /items/{id}" { http.response.status_code: 200, item.id: 7, .. } [
                "price" { item.id: 7 },
            ]
        });
        assert!(body.contains(&trace.trace_id().to_string()), "{body}");
        traces
            .logs()
            .within("GET /items/{id}")
            .with("item.price", 100)
            .has(Level::INFO, "looked the price up");
        traces
            .metric("http.server.request.duration")
            .with("http.route", "/items/{id}")
            .with("http.response.status_code", 200)
            .count(1);
    }

    #[actix_web::test]
    async fn an_id_that_is_no_number_is_refused_without_a_price() {
        let traces = Traces::new();
        get("/items/seven").await;
        traces.only().await.is(trace! {
            server "GET /items/{id}" { http.response.status_code: 404, .. }
        });
    }
}
