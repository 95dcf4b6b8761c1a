//! With one subscriber in a service, the transport of an export is suppressed, and the same crates
//! in other code are not. Telemetry is installed once in a process, so this is one test.

use std::{net::TcpListener, time::Duration};

use opentelemetry::trace::{Tracer, TracerProvider};
use tests::Lines;
use tracing_core_ext::telemetry::{Otlp, Telemetry};

/// Number of lines from the crates of the transport.
fn of_transport(lines: &Lines) -> usize {
    lines.all().iter().filter(|line| line.contains("hyper_util")).count()
}

/// Returns a URL on which no server listens.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn an_export_does_not_affect_log_lines_of_other_code() {
    let (lines, url) = (Lines::default(), nowhere());
    let telemetry = Telemetry::builder()
        .variables(|name| (name == "RUST_LOG").then(|| "trace".to_owned()))
        .service_name("tests")
        .otlp(Otlp::http_protobuf().endpoint(&url).timeout(Duration::from_millis(40)))
        .log_writer(lines.clone())
        .install()
        .unwrap();
    drop(telemetry.tracer_provider().tracer("tests").start("order"));
    telemetry.tracer_provider().force_flush().unwrap();
    assert_eq!(of_transport(&lines), 0);

    assert!(reqwest::get(&url).await.is_err());
    assert!(of_transport(&lines) > 0);
    assert_eq!(telemetry.shutdown().unwrap_err().losses()[0].lost(), 1);
}
