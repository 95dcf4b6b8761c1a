//! Forwarding to another endpoint, and tokens of senders.

use std::sync::{
    Arc,
    atomic::{AtomicU16, Ordering},
};

use axum::{Router, http::StatusCode, routing::post};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use prost::Message;
use tokio::net::TcpListener;
use tonic::{Code, Request};
use tracing_panel::{
    Panel,
    otlp::{Forwarding, forward::Forward},
};

use crate::telemetry::{Running, TRACE, failed_span, send_failed_request, traces};

#[tokio::test]
async fn everything_is_forwarded_and_never_in_circles() {
    let target = Panel::new();
    let receiver = Running::start(target.clone()).await;
    let forward = Forward::start(&receiver.http).unwrap();
    let panel = Running::start(Panel::new().with_forward(forward.clone())).await;
    // The target forwards as well, to the first panel.
    let back = Forward::start(&panel.http).unwrap();
    let circle = Running::start(target.with_forward(back.clone())).await;
    let to_circle = Forward::start(&circle.http).unwrap();
    let first = Running::start(Panel::new().with_forward(to_circle.clone())).await;

    send_failed_request(&panel).await;
    send_failed_request(&first).await;
    forward.finish().await;
    to_circle.finish().await;

    assert_eq!((forward.delivered(), forward.lost()), (2, 0));
    assert!(receiver.text(&format!("/traces/{TRACE}")).await.contains("cannot reserve tea"));
    assert_eq!((to_circle.delivered(), back.delivered(), back.waiting_bytes()), (2, 0, 0));
    let health = panel.json("/api/health").await;
    assert_eq!(health["forward"]["delivered"], 2, "{health}");
    assert!(panel.text("/health").await.contains(&receiver.http));
}

/// Serves an endpoint that responds with this status, and with success after so many requests.
async fn endpoint(status: u16, failures: u16) -> (String, Arc<AtomicU16>) {
    let requests = Arc::new(AtomicU16::new(0));
    let count = Arc::clone(&requests);
    let answer = move || {
        let is_failing = count.fetch_add(1, Ordering::Relaxed) < failures;
        let status = if is_failing { status } else { 200 };
        async move { StatusCode::from_u16(status).unwrap() }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/base/", listener.local_addr().unwrap());
    let routes = Router::new().route("/base/v1/traces", post(answer));
    tokio::spawn(async { axum::serve(listener, routes).await });
    (address, requests)
}

#[tokio::test]
async fn temporary_failures_are_tried_again_and_others_are_lost() {
    for (status, failures, requests, figures) in [(503, 1, 2, (1, 0)), (400, 9, 1, (0, 1))] {
        let (address, received) = endpoint(status, failures).await;
        let forward = Forward::start(&address).unwrap();
        let panel = Panel::new().with_forward(forward.clone());
        panel.intake().add_traces(traces(vec![failed_span()]));
        forward.finish().await;
        assert_eq!((forward.delivered(), forward.lost()), figures, "{status}");
        assert_eq!(received.load(Ordering::Relaxed), requests, "{status}");
    }
}

#[tokio::test]
async fn a_full_queue_loses_requests_and_counts_them() {
    // An endpoint that accepts connections and never responds.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let forward = Forward::start(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let panel = Panel::new().with_forward(forward.clone());
    let mut span = failed_span();
    span.name = "x".repeat(30 << 20);
    for _ in 0..3 {
        panel.intake().add_traces(traces(vec![span.clone()]));
    }
    assert_eq!(forward.lost(), 1);
    assert!(forward.waiting_bytes() <= 64 << 20);
}

#[tokio::test]
async fn an_endpoint_must_be_a_url() {
    for endpoint in ["collector:4318", "https://collector", "http://", ""] {
        assert!(Forward::start(endpoint).is_err(), "{endpoint}");
    }
}

#[tokio::test]
async fn senders_need_the_token() {
    let panel = Running::start(Panel::new().with_sender_token("secret")).await;
    let body = traces(vec![failed_span()]).encode_to_vec();
    let protobuf = ("content-type", "application/x-protobuf");
    for (authorization, status) in [("", 401), ("Bearer wrong", 401), ("Bearer secret", 200)] {
        let headers = [protobuf, ("authorization", authorization)];
        assert_eq!(panel.send("traces", &headers, body.clone()).await.status(), status);
    }
    let channel = tonic::transport::Channel::from_shared(panel.grpc.clone()).unwrap();
    let mut client = TraceServiceClient::new(channel.connect().await.unwrap());
    let refused = client.export(traces(vec![failed_span()])).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let mut request = Request::new(traces(vec![failed_span()]));
    request.metadata_mut().insert("authorization", "Bearer secret".parse().unwrap());
    client.export(request).await.unwrap();
    assert_eq!(panel.get("/traces").await.status(), 200, "pages have a condition of their own");
}
