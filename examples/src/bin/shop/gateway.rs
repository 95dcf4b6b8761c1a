//! The gateway of the shop, on axum: calls the inventory and returns its response.

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
use tokio::net::TcpListener;
use tracing_axum_layer::{RequestSpan, TracingLayer};

use crate::role::Next;

pub(crate) async fn serve(
    listener: std::net::TcpListener,
    inventory: Next,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let app = Router::new()
        .route("/checkout/{item}", get(checkout))
        .layer(TracingLayer::builder().body_sizes(true).build())
        .with_state(inventory)
        .into_make_service_with_connect_info::<SocketAddr>();
    // The response is sent in small parts. Without TCP_NODELAY the last part would wait up to 40 ms
    // for the acknowledgement of the first.
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

/// The inventory did not respond, or responded with an error.
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
