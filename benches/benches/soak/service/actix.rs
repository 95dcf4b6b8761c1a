use std::{future::pending, io, net::TcpListener, panic, time::Duration};

use actix_web::{
    App, HttpResponse, HttpServer,
    http::StatusCode,
    rt::System,
    web::{self, Bytes, Data, Path},
};
use tokio::time::{sleep, timeout};
use tracing_actix_middleware::Tracing;

use super::{
    ASKED_FOR, Shared, WAITING,
    bodies::{Chunks, End},
    emit,
};

pub(super) fn serve(listener: TcpListener, shared: Shared) -> io::Result<()> {
    let tracing = Tracing::new();
    let app = move || {
        App::new()
            .app_data(Data::new(shared.clone()))
            .route("/items/{id}", web::get().to(item))
            .route("/items/{id}", web::head().to(item))
            .route("/chain", web::get().to(chain))
            .route("/empty", web::get().to(async || HttpResponse::NoContent()))
            .route("/status/{code}", web::get().to(status))
            .route("/late", web::get().to(late))
            .route("/stream", web::get().to(async || chunks(8, End::Complete)))
            .route("/endless", web::get().to(async || chunks(usize::MAX, End::Complete)))
            .route("/body-error", web::get().to(async || chunks(1, End::Error)))
            .route("/body-panic", web::get().to(async || chunks(1, End::Panic)))
            .route("/panic", web::get().to(panics))
            .route("/waiting", web::get().to(waiting))
            .route("/echo", web::post().to(async |body: Bytes| body))
            .wrap(tracing.clone())
    };
    System::new().block_on(async {
        HttpServer::new(app).workers(1).disable_signals().listen(listener)?.run().await
    })
}

fn chunks(count: usize, end: End) -> HttpResponse {
    HttpResponse::Ok().body(Chunks(count, end))
}

async fn item(id: Path<u32>) -> String {
    emit();
    format!("item {id}")
}

async fn chain(shared: Data<Shared>) -> HttpResponse {
    let url = format!("http://127.0.0.1:{}/items/9", shared.next.wait());
    let sent = async { shared.client.get(url).send().await?.bytes().await };
    match sent.await {
        Ok(body) => HttpResponse::Ok().body(body),
        Err(_) => HttpResponse::BadGateway().finish(),
    }
}

async fn status(code: Path<u16>) -> HttpResponse {
    let status = StatusCode::from_u16(*code).unwrap_or(StatusCode::BAD_REQUEST);
    HttpResponse::build(status).finish()
}

async fn late() -> HttpResponse {
    let _ = timeout(Duration::from_millis(20), pending::<()>()).await;
    HttpResponse::ServiceUnavailable().finish()
}

async fn waiting() -> HttpResponse {
    sleep(WAITING).await;
    HttpResponse::Ok().finish()
}

async fn panics() -> HttpResponse {
    panic::panic_any(ASKED_FOR)
}
