//! The prices of the shop, on axum: at once, slowly, never, or in several parts.

use std::{convert::Infallible, error::Error, fmt, io, net::SocketAddr, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::Path,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::{StreamExt, stream};
use tokio::{net::TcpListener, time::sleep};
use tracing::Instrument;
use tracing_axum_layer::{RequestSpan, TracingLayer};

pub(crate) async fn serve(
    listener: std::net::TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let app = Router::new()
        .route("/prices/{item}", get(price))
        .layer(TracingLayer::new())
        .into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(TcpListener::from_std(listener)?, app).with_graceful_shutdown(stop).await
}

async fn price(Path(item): Path<String>, span: RequestSpan) -> Response {
    match item.as_str() {
        "honey" => haggle(Duration::from_millis(300)).await.into_response(),
        "caviar" => haggle(Duration::from_millis(700)).await.into_response(),
        "durian" => refuse(&span),
        "auction" => Body::from_stream(stream::iter(1..=3).then(bid)).into_response(),
        _ => haggle(Duration::from_millis(5)).await.into_response(),
    }
}

/// Returns one chunk of a streamed price, which is computed while the body is polled.
async fn bid(number: u32) -> Result<String, Infallible> {
    let work = sleep(Duration::from_millis(30));
    work.instrument(tracing::info_span!("bid", shop.bid.number = number)).await;
    Ok(format!("bid {number}\n"))
}

/// Simulates work that takes `time`.
#[tracing::instrument(skip_all, fields(shop.haggle.duration = time.as_secs_f64()))]
async fn haggle(time: Duration) -> &'static str {
    sleep(time).await;
    "12.50\n"
}

fn refuse(span: &RequestSpan) -> Response {
    span.record_error(&NoPrice);
    tracing::error!("there is no price for that");
    (StatusCode::INTERNAL_SERVER_ERROR, "no price\n").into_response()
}

#[derive(Debug)]
struct NoPrice;

impl fmt::Display for NoPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no price for durian")
    }
}

impl Error for NoPrice {}
