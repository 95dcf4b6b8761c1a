use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
    serve::Listener,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig, server::TlsStream};
use tonic::service::Routes;
use tonic_health::pb::health_server::HealthServer;
use tracing_axum_layer::TracingLayer;
use tracing_core_ext::http::Scheme;

use crate::{BoxError, announce, calls::Calls, health::Chain, hop, terminated};

pub(crate) async fn serve(calls: Calls, tls: Option<ServerConfig>) -> Result<(), BoxError> {
    let tcp = TcpListener::bind("127.0.0.1:0").await?;
    let mut urls = vec![format!("http://{}", tcp.local_addr()?)];
    // The scheme is an option of the layer, because axum does not know that of HTTP/1.1.
    let plain = TracingLayer::new();
    let encrypted = TracingLayer::builder().scheme(Scheme::Https).build();
    if let Some(config) = tls {
        let listener = TlsListener {
            tcp: TcpListener::bind("127.0.0.1:0").await?,
            tls: Arc::new(config).into(),
        };
        urls.push(format!("https://{}", listener.local_addr()?));
        let app = app(calls.clone(), encrypted);
        tokio::spawn(async { axum::serve(listener, app).await });
    }
    announce(&urls)?;
    let app = app(calls, plain).into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(tcp, app).with_graceful_shutdown(terminated()).await?)
}

fn app(calls: Calls, layer: TracingLayer) -> Router {
    let app = Router::new().route("/items/{id}", get(item)).with_state(calls.clone());
    let grpc = Routes::new(HealthServer::new(Chain(calls))).into_axum_router();
    app.merge(grpc).layer(layer)
}

async fn item(State(calls): State<Calls>, headers: HeaderMap) -> Response {
    let mut hops = vec![hop::received(
        "axum",
        headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())),
    )];
    let chain = headers.get(hop::CHAIN).and_then(|it| it.to_str().ok()).unwrap_or_default();
    if let Some((url, rest)) = hop::next(chain) {
        match calls.call(url, rest).await {
            Ok(others) => hops.extend(others),
            Err(error) => {
                return (StatusCode::BAD_GATEWAY, format!("{url}: {error}")).into_response();
            }
        }
    }
    ([(CONTENT_TYPE, "application/json")], serde_json::Value::from(hops).to_string())
        .into_response()
}

/// Accepts connections of TLS.
struct TlsListener {
    tcp: TcpListener,
    tls: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = Listener::accept(&mut self.tcp).await;
            // A client may refuse the certificate.
            if let Ok(stream) = self.tls.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}
