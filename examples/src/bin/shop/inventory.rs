//! What is in stock, on actix-web: asks pricing what it costs.

use std::{io, net::TcpListener};

use actix_middleware::Tracing;
use actix_web::{
    App, HttpResponse, HttpServer, Responder,
    error::ErrorBadGateway,
    get,
    web::{Data, Path},
};

use crate::role::Next;

pub(crate) async fn serve(
    listener: TcpListener,
    pricing: Next,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let (tracing, pricing) = (Tracing::new(), Data::new(pricing));
    let app = move || App::new().app_data(pricing.clone()).service(stock).wrap(tracing.clone());
    let server = HttpServer::new(app).workers(1).disable_signals().listen(listener)?.run();
    let handle = server.handle();
    let stopped = async {
        stop.await;
        handle.stop(true).await;
    };
    tokio::join!(server, stopped).0
}

#[get("/stock/{item}")]
async fn stock(pricing: Data<Next>, item: Path<String>) -> actix_web::Result<impl Responder> {
    let counted = count(&item);
    tracing::info!(counted, "counted the shelves");
    let price = pricing.ask("prices", &item).await.map_err(ErrorBadGateway)?;
    Ok(HttpResponse::Ok().streaming(price.bytes_stream()))
}

/// A span of the service's own, below the request's.
#[tracing::instrument]
fn count(item: &str) -> usize {
    item.len()
}
