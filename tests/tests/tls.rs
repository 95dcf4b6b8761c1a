//! https: the client, and servers that terminate TLS themselves.

use std::{net::SocketAddr, sync::Arc};

use actix_web::{App, HttpServer, web};
use axum::{Router, routing::get, serve::Listener};
use reqwest::{Certificate, ClientBuilder};
use tests::{EndedSpanExt, SpanSink};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{PrivateKeyDer, pem::PemObject},
    },
    server::TlsStream,
};
use tracing_actix_middleware::Tracing;
use tracing_axum_layer::TracingLayer;
use tracing_core_ext::{client::Client, http::Scheme};

/// Accepts connections of TLS on one socket.
struct TlsListener {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.tcp.accept().await.unwrap();
            // A client may refuse the certificate.
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}

/// Returns the configuration of a server for `shop.example`, and its certificate.
fn tls() -> (ServerConfig, Certificate) {
    let issued = rcgen::generate_simple_self_signed(["shop.example".to_owned()]).unwrap();
    let key = PrivateKeyDer::from_pem_slice(issued.signing_key.serialize_pem().as_bytes()).unwrap();
    let config = ServerConfig::builder().with_no_client_auth();
    let mut config = config.with_single_cert(vec![issued.cert.der().clone()], key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    (config, Certificate::from_der(issued.cert.der()).unwrap())
}

/// Serves axum over TLS. The service names the scheme, because axum does not know that of HTTP/1.1.
async fn axum(sink: &SpanSink) -> (SocketAddr, Certificate) {
    let (config, certificate) = tls();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let listener = TlsListener { tcp, acceptor: TlsAcceptor::from(Arc::new(config)) };
    let builder = TracingLayer::builder().tracer_provider(&sink.provider());
    let layer = builder.scheme(Scheme::Https).build();
    let app = Router::new().route("/", get(async || "hello")).layer(layer);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    (address, certificate)
}

/// Serves actix-web over TLS.
fn actix(sink: &SpanSink) -> (SocketAddr, Certificate) {
    let (config, certificate) = tls();
    let tracing = Tracing::builder().tracer_provider(&sink.provider()).build();
    let server = HttpServer::new(move || {
        App::new().route("/", web::get().to(async || "hello")).wrap(tracing.clone())
    });
    let server = server.workers(1).disable_signals().bind_rustls_0_23("127.0.0.1:0", config);
    let server = server.unwrap();
    let address = server.addrs()[0];
    tokio::spawn(server.run());
    (address, certificate)
}

async fn both_versions_of_http_on_one_socket_have_the_same_scheme_and_port(
    (address, certificate): (SocketAddr, Certificate),
    sink: &SpanSink,
) {
    let builder = || {
        let builder = reqwest::Client::builder().tls_certs_only([certificate.clone()]);
        builder.resolve("shop.example", address)
    };

    let versions: [fn(ClientBuilder) -> ClientBuilder; 2] = [ClientBuilder::http1_only, |it| it];
    for version in versions {
        let client = version(builder()).build().unwrap();
        let url = format!("https://shop.example:{}/", address.port());
        client.get(url).header("host", "shop.example").send().await.unwrap();
    }

    let spans = sink.wait_for(2).await;
    let texts =
        |key: &str| spans.iter().map(|it| it.text(key).map(str::to_owned)).collect::<Vec<_>>();
    assert_eq!(texts("network.protocol.version"), [Some("1.1".to_owned()), Some("2".to_owned())]);
    assert_eq!(texts("url.scheme"), [Some("https".to_owned()), Some("https".to_owned())]);
    assert_eq!(spans[0].integer("server.port"), Some(443));
    assert_eq!(spans[1].integer("server.port"), Some(address.port().into()));
}

#[tokio::test]
async fn axum_reports_the_same_scheme_and_port_for_both_versions_of_http_on_one_socket() {
    let sink = SpanSink::new();
    let server = axum(&sink).await;
    both_versions_of_http_on_one_socket_have_the_same_scheme_and_port(server, &sink).await;
}

#[tokio::test]
async fn actix_reports_the_same_scheme_and_port_for_both_versions_of_http_on_one_socket() {
    let sink = SpanSink::new();
    let server = actix(&sink);
    both_versions_of_http_on_one_socket_have_the_same_scheme_and_port(server, &sink).await;
}

#[tokio::test]
async fn the_client_calls_services_over_https() {
    let (sink, server_sink) = (SpanSink::new(), SpanSink::new());
    let (address, certificate) = axum(&server_sink).await;
    let inner = reqwest::Client::builder().tls_certs_only([certificate]);
    let builder = Client::builder().tracer_provider(&sink.provider());
    let client = builder.wrap_builder(inner.resolve("shop.example", address)).unwrap();

    let url = format!("https://shop.example:{}/", address.port());
    let body = client.get(url).send().await.unwrap().text().await.unwrap();

    assert_eq!(body, "hello");
    assert!(server_sink.only().await.is_child_of(&sink.only().await));
}

#[tokio::test]
async fn a_client_without_options_supports_https_and_refuses_unknown_certificates() {
    let sink = SpanSink::new();
    let (address, _) = axum(&sink).await;

    let builder = Client::builder().tracer_provider(&sink.provider());
    let error = builder.build().get(format!("https://{address}/")).send().await.unwrap_err();

    assert!(error.is_connect(), "{error:?}");
    let span = sink.only().await;
    assert_eq!(span.text("error.type"), Some("connection_error"));
    assert!(format!("{:?}", span.status).contains("certificate"), "{:?}", span.status);
}
