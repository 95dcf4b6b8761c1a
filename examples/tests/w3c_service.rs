//! The service for the W3C Trace Context suite follows the suite's protocol, on both frameworks.

use axum::{Router, extract::State, http::HeaderMap, routing::post};
use examples::processes::Service;
use serde_json::json;
use tokio::{net::TcpListener, process::Command, sync::mpsc};

#[tokio::test]
async fn axum_calls_every_url_within_the_trace_of_its_caller() {
    calls_every_url_within_the_trace_of_its_caller("axum").await;
}

#[tokio::test]
async fn actix_calls_every_url_within_the_trace_of_its_caller() {
    calls_every_url_within_the_trace_of_its_caller("actix").await;
}

async fn calls_every_url_within_the_trace_of_its_caller(framework: &str) {
    let (harness, mut received) = harness().await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_w3c_service"));
    command.args(["--framework", framework, "--port", "0"]).env("RUST_LOG", "off");
    command.env("http_proxy", "http://127.0.0.1:1").env_remove("no_proxy").env_remove("NO_PROXY");
    let service = Service::start(&mut command).await.unwrap();

    let calls = json!([{ "url": harness, "arguments": [1] }, { "url": harness, "arguments": [2] }]);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(format!("{}/test", service.url())).json(&calls);
    let request =
        request.header("traceparent", "00-12345678901234567890123456789012-1234567890123456-01");
    let answer =
        request.header("tracestate", "foo=1").header("tracestate", "bar=2").send().await.unwrap();
    assert_eq!(answer.status(), 200);

    let (first, second) = (received.recv().await.unwrap(), received.recv().await.unwrap());
    let mut bodies = [first.1, second.1];
    bodies.sort();
    assert_eq!(bodies, ["[1]", "[2]"]);
    for headers in [&first.0, &second.0] {
        let parent = headers["traceparent"].to_str().unwrap();
        assert!(parent.starts_with("00-12345678901234567890123456789012-"), "{parent}");
        assert!(!parent.contains("1234567890123456-01"), "{parent}");
        assert_eq!(headers["tracestate"], "foo=1,bar=2");
    }
    assert_ne!(first.0["traceparent"], second.0["traceparent"]);
}

type Received = mpsc::UnboundedReceiver<(HeaderMap, String)>;

/// Starts a server that returns what it receives to the test, as the suite's server does.
async fn harness() -> (String, Received) {
    let (sender, received) = mpsc::unbounded_channel();
    let app = Router::new().route("/callback", post(callback)).with_state(sender);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/callback", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
    (url, received)
}

async fn callback(
    State(sender): State<mpsc::UnboundedSender<(HeaderMap, String)>>,
    headers: HeaderMap,
    body: String,
) {
    sender.send((headers, body)).unwrap();
}
