//! Services that are stopped lose nothing silently.

#![cfg(unix)]

use std::{net::TcpListener, process::Stdio};

use examples::otlp_receiver::OtlpReceiver;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr, Command},
};

const AXUM: &str = env!("CARGO_BIN_EXE_axum_server");
const ACTIX: &str = env!("CARGO_BIN_EXE_actix_server");

#[tokio::test]
async fn axum_delivers_its_spans_at_sigterm_and_exits_with_0() {
    delivers_its_spans_and_exits_with_0(AXUM, "-TERM").await;
}

#[tokio::test]
async fn axum_delivers_its_spans_at_ctrl_c_and_exits_with_0() {
    delivers_its_spans_and_exits_with_0(AXUM, "-INT").await;
}

#[tokio::test]
async fn actix_delivers_its_spans_at_sigterm_and_exits_with_0() {
    delivers_its_spans_and_exits_with_0(ACTIX, "-TERM").await;
}

#[tokio::test]
async fn actix_delivers_its_spans_at_ctrl_c_and_exits_with_0() {
    delivers_its_spans_and_exits_with_0(ACTIX, "-INT").await;
}

#[tokio::test]
async fn axum_reports_its_losses_at_sigterm_and_fails() {
    reports_its_losses_and_fails(AXUM).await;
}

#[tokio::test]
async fn actix_reports_its_losses_at_sigterm_and_fails() {
    reports_its_losses_and_fails(ACTIX).await;
}

async fn delivers_its_spans_and_exits_with_0(program: &str, signal: &str) {
    let mut receiver = OtlpReceiver::bind("127.0.0.1:0").await.unwrap();
    let mut server = Server::start(program, receiver.endpoint()).await;
    server.ask().await;
    let (code, errors) = server.stop(signal).await;

    assert_eq!(code, Some(0), "{errors}");
    let received = std::iter::from_fn(|| receiver.try_recv()).flatten();
    let mut names: Vec<_> = received.map(|span| span.name).collect();
    names.sort();
    assert_eq!(names, ["GET /items/{id}", "price"]);
}

async fn reports_its_losses_and_fails(program: &str) {
    let mut server = Server::start(program, &nowhere()).await;
    server.ask().await;
    let (code, errors) = server.stop("-TERM").await;

    assert_eq!(code, Some(1), "{errors}");
    assert!(errors.contains("Error: 2 of 2 spans were not delivered to "), "{errors}");
}

/// A service that listens.
struct Server {
    process: Child,
    errors: Lines<BufReader<ChildStderr>>,
    url: String,
}

impl Server {
    async fn start(program: &str, endpoint: &str) -> Self {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("OTEL_")) {
            command.env_remove(name);
        }
        command.arg("127.0.0.1:0").env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
        command.env("RUST_LOG", "info").stderr(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap();
        let mut errors = BufReader::new(process.stderr.take().unwrap()).lines();
        loop {
            let line = errors.next_line().await.unwrap().unwrap();
            if let Some((_, url)) = line.split_once("listening on ") {
                return Self { url: url.to_owned(), process, errors };
            }
        }
    }

    async fn ask(&mut self) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(format!("{}/items/7", self.url)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.bytes().await.unwrap();
    }

    /// Stops the service. Returns its exit code and its log lines since then.
    async fn stop(mut self, signal: &str) -> (Option<i32>, String) {
        let id = self.process.id().unwrap().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().await.unwrap().success());
        let mut errors = String::new();
        while let Some(line) = self.errors.next_line().await.unwrap() {
            errors.extend([&line, "\n"]);
        }
        (self.process.wait().await.unwrap().code(), errors)
    }
}

/// Returns a URL on which no server listens.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
