//! A request whose work continues after its response: the order is put into a queue with its trace,
//! and a worker ships it. The log has one line for the request, and those of the worker, with one
//! trace ID.
//!
//! Run with
//!
//! ```text
//! cargo run --bin background_job
//! curl -i -X POST http://127.0.0.1:3000/orders/tea
//! ```
//!
//! or `background_job ADDRESS` to listen on another address. Ctrl-C stops it.

use std::{error::Error, net::SocketAddr};

use axum::{Router, extract::Path, extract::State, routing::post};
use tokio::{net::TcpListener, sync::mpsc};
use tracing_axum_layer::{Problem, ProblemDetails, RequestId, RequestSpan, TracingLayer};
use tracing_core_ext::{
    carry::Messaging,
    exchange::{RequestIdPolicy, RequestLog},
    telemetry::{LogFormat, Telemetry},
};

/// A message of the queue, as JSON: an order and the carrier of its trace.
type Queue = mpsc::Sender<String>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let telemetry = Telemetry::builder()
        .service_name("background-job")
        .log_format(LogFormat::Logfmt)
        .install()?;
    let tracing = TracingLayer::builder()
        .request_id(RequestIdPolicy::Accept)
        .request_log(RequestLog::new().attributes(["shop.item"]))
        .build();

    let (queue, orders) = mpsc::channel(16);
    let worker = tokio::spawn(ship(orders));
    let app = Router::new().route("/orders/{item}", post(order)).layer(tracing).with_state(queue);
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(address).await?;
    tracing::info!("listening on http://{}", listener.local_addr()?);
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).with_graceful_shutdown(stopped()).await?;
    // The queue ends with the server, so the worker ends after the last order.
    worker.await?;

    Ok(telemetry.shutdown()?)
}

async fn order(
    State(queue): State<Queue>,
    Path(item): Path<String>,
    (span, id): (RequestSpan, RequestId),
) -> Result<String, Problem> {
    span.set_attribute("shop.item", item.clone());
    let sending = Messaging::new("channel").send("orders").start();
    let message = serde_json::json!({ "item": item, "trace": sending.carrier() });
    match sending.run(queue.send(message.to_string())).await {
        Ok(()) => Ok(format!("ordered, your request is {id}\n")),
        Err(_) => Err(ProblemDetails::new(503).detail("the shop is closed").into()),
    }
}

async fn ship(mut orders: mpsc::Receiver<String>) {
    let queue = Messaging::new("channel");
    while let Some(message) = orders.recv().await {
        let message: serde_json::Value = serde_json::from_str(&message).unwrap_or_default();
        let trace = serde_json::from_value(message["trace"].clone()).unwrap_or_default();
        let processing = queue.process("orders").parent(&trace).start();
        processing.run(async { tracing::info!(item = message["item"].as_str(), "shipped") }).await;
    }
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
