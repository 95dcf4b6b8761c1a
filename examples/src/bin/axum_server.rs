//! An axum service whose requests are printed as traces, each as a waterfall.
//!
//! Run with
//!
//! ```text
//! cargo run --bin axum_server
//! curl http://127.0.0.1:3000/items/7
//! ```
//!
//! or `axum_server ADDRESS` to listen on another address. Ctrl-C and SIGTERM stop it, after
//! requests are answered and spans exported.

use std::{error::Error, net::SocketAddr, time::Duration};

use axum::{Router, extract::Path, routing::get};
use tokio::net::TcpListener;
use tracing_axum_layer::{RequestSpan, TracingLayer};
use tracing_core_ext::telemetry::Telemetry;

/// Time for requests to end after a signal. Orchestrators kill a process 30 seconds after SIGTERM,
/// and spans must be exported within that time as well.
const DRAIN: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::builder().service_name("axum-server").install()?;

    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(address).await?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    let app = app().into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, app).with_graceful_shutdown(stopped());
    tokio::select! {
        result = server.into_future() => result?,
        // A caller that does not read its response cannot keep the service running.
        () = drained() => {}
    }

    Ok(telemetry.shutdown()?)
}

/// The layer is built with the app, so that the app of a test belongs to the test.
fn app() -> Router {
    Router::new().route("/items/{id}", get(item)).layer(TracingLayer::new())
}

async fn item(Path(id): Path<u32>, span: RequestSpan) -> String {
    span.set_attribute("item.id", id);
    let price = price(id);
    tracing::info!(item.price = price, "looked the price up");
    format!("item {id} costs {price}, see trace {}\n", span.trace_id())
}

/// A span of the service, below that of the request.
#[tracing::instrument(skip_all, fields(item.id = id))]
fn price(id: u32) -> u32 {
    100 + id % 7
}

async fn drained() {
    stopped().await;
    tokio::time::sleep(DRAIN).await;
}

/// Waits for Ctrl-C or SIGTERM.
async fn stopped() {
    #[cfg(unix)]
    let terminated = async {
        use tokio::signal::unix::{SignalKind, signal};

        signal(SignalKind::terminate()).expect("a handler for SIGTERM").recv().await
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated => {}
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, extract::Request};
    use http_body_util::BodyExt;
    use tower::ServiceExt;
    use tracing::Level;
    use tracing_core_ext::testing::{Traces, trace};

    use super::*;

    async fn get(path: &str) -> String {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = app().oneshot(request).await.unwrap();
        // The span ends with the body.
        let body = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    }

    #[tokio::test]
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

    #[tokio::test]
    async fn an_id_that_is_no_number_is_refused_without_a_price() {
        let traces = Traces::new();
        get("/items/seven").await;
        traces.only().await.is(trace! {
            server "GET /items/{id}" { http.response.status_code: 400, .. }
        });
    }
}
