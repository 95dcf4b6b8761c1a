//! The shop's door, on axum: asks the inventory and hands its answer on.

use std::{io, net::SocketAddr};

use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
    serve::ListenerExt,
};
use axum_layer::{RequestSpan, TracingLayer};
use tokio::net::TcpListener;

use crate::role::Next;

pub(crate) async fn serve(
    listener: std::net::TcpListener,
    inventory: Next,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let app = Router::new()
        .route("/checkout/{item}", get(checkout))
        .layer(TracingLayer::new())
        .with_state(inventory)
        .into_make_service_with_connect_info::<SocketAddr>();
    // The answer comes bit by bit: the last one would wait until the caller has acknowledged the first, after 40 ms.
    let listener = TcpListener::from_std(listener)?.tap_io(|connection| {
        let _ = connection.set_nodelay(true);
    });
    axum::serve(listener, app).with_graceful_shutdown(stop).await
}

async fn checkout(
    State(inventory): State<Next>,
    Path(item): Path<String>,
    span: RequestSpan,
) -> Result<Response, BadGateway> {
    span.set_attribute("shop.item", item.clone());
    tracing::info!(shop.item = item, "an order");
    let answer = inventory.ask("stock", &item).await?;
    Ok(Body::from_stream(answer.bytes_stream()).into_response())
}

/// The inventory did not answer, or not well.
struct BadGateway(reqwest::Error);

impl From<reqwest::Error> for BadGateway {
    fn from(error: reqwest::Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for BadGateway {
    fn into_response(self) -> Response {
        tracing::error!(error = %self.0.without_url(), "inventory failed");
        (StatusCode::BAD_GATEWAY, "the inventory does not answer\n").into_response()
    }
}
