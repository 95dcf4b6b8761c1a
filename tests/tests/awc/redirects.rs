//! Redirects: one span per hop that the client follows itself, one for all hops followed inside the layer.

use std::net::SocketAddr;

use actix_web::rt;
use awc::{Client, middleware::Redirect};
use axum::{Router, response, routing};
use opentelemetry::context::FutureExt;
use tests::{EndedSpanExt, SpanSink, assert_no_error};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tracing_actix_middleware::client::UrlTemplate;
use tracing_axum_layer::TracingLayer;
use tracing_core_ext::http::AllowedHosts;

use super::{below_a_span, builder, client, peer, read, scene};

/// Starts a service with one span for a redirect and one for its target.
async fn redirecting() -> (SocketAddr, SpanSink) {
    let sink = SpanSink::new();
    let app = Router::new()
        .route("/old", routing::get(async || response::Redirect::to("/new")))
        .route("/new", routing::get(async || "here"))
        .layer(TracingLayer::builder().tracer_provider(&sink.provider()).build());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    rt::spawn(async move { axum::serve(listener, app).await });
    (address, sink)
}

#[actix_web::test]
async fn a_redirect_sends_context_only_to_allowed_hosts() {
    let (address, servers) = redirecting().await;
    let (url, peer) = peer(&format!(
        "HTTP/1.1 302 Found\r\nlocation: http://localhost:{}/new\r\ncontent-length: 0\r\n\r\n",
        address.port()
    ))
    .await;
    let sink = SpanSink::new();
    let tracing = builder(&sink).allowed_hosts(AllowedHosts::new(["127.0.0.1"]).unwrap());

    read(client(tracing.build()).get(url).send().await.unwrap()).await;

    let hops = sink.wait_for(2).await;
    assert!(peer.await.unwrap().contains(&hops[0].id().to_string()));
    assert!(!servers.only().await.is_child_of(&hops[1]));
}

#[actix_web::test]
async fn every_hop_of_a_redirect_has_a_span() {
    let (address, servers) = redirecting().await;
    let sink = SpanSink::new();
    let client = client(builder(&sink).build());

    let (parent, response) =
        below_a_span(|| client.get(format!("http://{address}/old")).send()).await;
    assert_eq!(response.unwrap().body().await.unwrap(), "here");

    let (hops, servers) = (sink.wait_for(2).await, servers.wait_for(2).await);
    assert_eq!(hops[0].integer("http.response.status_code"), Some(303));
    assert_eq!(hops[1].integer("http.response.status_code"), Some(200));
    assert_eq!(hops[1].text("url.full"), Some(format!("http://{address}/new").as_str()));
    assert!(servers[0].is_child_of(&hops[0]));
    assert!(servers[1].is_child_of(&hops[1]));
    assert!(hops[0].is_child_of(&parent));
    hops.iter().for_each(assert_no_error);
}

#[actix_web::test]
async fn hops_are_siblings_if_the_future_is_polled_in_its_context() {
    let (address, _) = redirecting().await;
    let sink = SpanSink::new();
    let client = client(builder(&sink).build());

    let (parent, response) = below_a_span(|| {
        let sending = client.get(format!("http://{address}/old")).send();
        rt::spawn(sending.with_current_context())
    })
    .await;
    response.unwrap().unwrap();

    for hop in sink.wait_for(2).await {
        assert!(hop.is_child_of(&parent));
    }
}

#[actix_web::test]
async fn redirects_followed_inside_are_part_of_one_span() {
    let (address, servers) = redirecting().await;
    let sink = SpanSink::new();
    let client = Client::builder()
        .disable_redirects()
        .wrap(Redirect::new())
        .wrap(builder(&sink).build())
        .finish();

    let mut response = client.get(format!("http://{address}/old")).send().await.unwrap();
    assert_eq!(response.body().await.unwrap(), "here");

    let span = sink.only().await;
    assert_eq!(span.text("url.full"), Some(format!("http://{address}/old").as_str()));
    assert_eq!(span.integer("http.response.status_code"), Some(200));
    for server in servers.wait_for(2).await {
        assert!(server.is_child_of(&span));
    }
}

#[actix_web::test]
async fn a_redirect_that_is_followed_counts_as_sent_again() {
    for location in ["/b", "b", "http://HOST/b", "//HOST/b"] {
        let scene = scene().await;
        let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = first.local_addr().unwrap().to_string();
        let location = location.replace("HOST", &host);
        let server = rt::spawn(async move {
            let heads = [
                format!("302 Found\r\nlocation: {location}"),
                format!("302 Found\r\nlocation: {location}"),
                "200 OK".to_owned(),
            ];
            for head in heads {
                let (mut stream, _) = first.accept().await.unwrap();
                let read = stream.read(&mut [0; 4096]).await.unwrap();
                assert!(read > 0, "the client has sent its request");
                let answer =
                    format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });

        let request = scene.client.get(format!("http://{host}/a"));
        request.insert_header(UrlTemplate::new("/a")).send().await.unwrap();
        server.await.unwrap();
        scene.client.get(scene.server.url("/empty")).send().await.unwrap();

        let spans = scene.sink.wait_for(4).await;
        let counts: Vec<_> =
            spans.iter().map(|it| it.integer("http.request.resend_count")).collect();
        assert_eq!(counts, [None, Some(1), Some(2), None]);
        assert_eq!([&*spans[0].name, &spans[1].name], ["GET /a", "GET"]);
    }
}
