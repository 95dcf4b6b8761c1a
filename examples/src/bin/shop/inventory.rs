//! The inventory of the shop, on actix-web: calls pricing for the price of an item.

use std::{io, net::TcpListener};

use actix_web::{
    App, HttpResponse, HttpServer, Responder,
    error::ErrorBadGateway,
    get,
    web::{Data, Path},
};
use examples::processes::DRAIN;
use tracing_actix_middleware::Tracing;

use crate::role::Next;

pub(crate) async fn serve(
    listener: TcpListener,
    pricing: Next,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let (tracing, pricing) = (Tracing::new(), Data::new(pricing));
    let app = move || App::new().app_data(pricing.clone()).service(stock).wrap(tracing.clone());
    let server = HttpServer::new(app).workers(1).shutdown_signal(stop);
    server.shutdown_timeout(DRAIN.as_secs()).listen(listener)?.run().await
}

#[get("/stock/{item}")]
async fn stock(pricing: Data<Next>, item: Path<String>) -> actix_web::Result<impl Responder> {
    let counted = count(&item);
    tracing::info!(shop.item.count = counted, "counted the shelves");
    let price = pricing.ask("prices", &item).await.map_err(ErrorBadGateway)?;
    Ok(HttpResponse::Ok().streaming(price.bytes_stream()))
}

/// A span of the service, below that of the request.
#[tracing::instrument(skip_all, fields(shop.item = item))]
fn count(item: &str) -> usize {
    item.len()
}
