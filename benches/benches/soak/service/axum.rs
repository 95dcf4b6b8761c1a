use std::{future::pending, io, net::TcpListener, panic, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::StatusCode,
    routing::{get, post},
};
use tokio::time::{sleep, timeout};
use tracing_axum_layer::TracingLayer;

use super::{
    ASKED_FOR, Shared, WAITING,
    bodies::{Chunks, End},
    current_thread, emit,
};

pub(super) fn serve(listener: TcpListener, shared: Shared) -> io::Result<()> {
    let router = Router::new()
        .route("/items/{id}", get(item))
        .route("/chain", get(chain))
        .route("/empty", get(async || StatusCode::NO_CONTENT))
        .route("/status/{code}", get(status))
        .route("/late", get(late))
        .route("/stream", get(async || Body::new(Chunks(8, End::Complete))))
        .route("/endless", get(async || Body::new(Chunks(usize::MAX, End::Complete))))
        .route("/body-error", get(async || Body::new(Chunks(1, End::Error))))
        .route("/body-panic", get(async || Body::new(Chunks(1, End::Panic))))
        .route("/panic", get(panics))
        .route("/waiting", get(async || sleep(WAITING).await))
        .route("/echo", post(async |body: Bytes| body))
        .layer(TracingLayer::new())
        .with_state(shared);
    current_thread()?
        .block_on(async { axum::serve(tokio::net::TcpListener::from_std(listener)?, router).await })
}

async fn item(Path(id): Path<u32>) -> String {
    emit();
    format!("item {id}")
}

async fn chain(State(Shared { client, next }): State<Shared>) -> Result<Bytes, StatusCode> {
    let url = format!("http://127.0.0.1:{}/items/9", next.wait());
    let sent = async { client.get(url).send().await?.bytes().await };
    sent.await.map_err(|_| StatusCode::BAD_GATEWAY)
}

async fn status(Path(code): Path<u16>) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_REQUEST)
}

async fn late() -> StatusCode {
    let _ = timeout(Duration::from_millis(20), pending::<()>()).await;
    StatusCode::SERVICE_UNAVAILABLE
}

async fn panics() {
    panic::panic_any(ASKED_FOR);
}
