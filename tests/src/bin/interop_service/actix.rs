use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer,
    error::ErrorBadGateway,
    web::{self, Data},
};
use serde_json::Value;
use tokio_rustls::rustls::ServerConfig;
use tracing_actix_middleware::{Tracing, client::ClientTracing};

use crate::{BoxError, announce, calls::Calls, hop, terminated};

pub(crate) async fn serve(calls: Calls, tls: Option<ServerConfig>) -> Result<(), BoxError> {
    let tracing = Tracing::new();
    let server = HttpServer::new(move || {
        let client = awc::Client::builder().wrap(ClientTracing::new()).finish();
        App::new()
            .app_data(Data::new(calls.clone()))
            .app_data(Data::new(client))
            .route("/items/{id}", web::get().to(item))
            .wrap(tracing.clone())
    });
    let mut server =
        server.workers(1).shutdown_signal(terminated()).bind_auto_h2c("127.0.0.1:0")?;
    if let Some(config) = tls {
        server = server.bind_rustls_0_23("127.0.0.1:0", config)?;
    }
    let urls = server.addrs_with_scheme().into_iter();
    announce(&urls.map(|(address, scheme)| format!("{scheme}://{address}")).collect::<Vec<_>>())?;
    Ok(server.run().await?)
}

async fn item(
    request: HttpRequest,
    calls: Data<Calls>,
    client: Data<awc::Client>,
) -> actix_web::Result<HttpResponse> {
    let headers = request.headers();
    let mut hops = vec![hop::received(
        "actix",
        headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())),
    )];
    let chain = headers.get(hop::CHAIN).and_then(|it| it.to_str().ok()).unwrap_or_default();
    if let Some((url, rest)) = hop::next(chain) {
        hops.extend(if url.starts_with("http://") {
            call(&client, url, rest).await?
        } else {
            calls.call(url, rest).await.map_err(ErrorBadGateway)?
        });
    }
    Ok(HttpResponse::Ok().json(hops))
}

/// Calls a service with the client of actix.
async fn call(client: &awc::Client, url: &str, chain: &str) -> actix_web::Result<Vec<Value>> {
    let request = client.get(url).insert_header((hop::CHAIN, chain));
    let mut response = request.send().await.map_err(|error| ErrorBadGateway(error.to_string()))?;
    if !response.status().is_success() {
        return Err(ErrorBadGateway(format!("{url}: {}", response.status())));
    }
    Ok(serde_json::from_slice(&response.body().await.map_err(ErrorBadGateway)?)?)
}
