//! Under the one subscriber of a service, what is silent while it exports is heard from everybody else. Telemetry is
//! installed once in a process, so this is one test.

use std::{
    io,
    net::TcpListener,
    sync::{Arc, Mutex},
    time::Duration,
};

use opentelemetry::trace::{Tracer, TracerProvider};
use tracing_core_ext::telemetry::{Otlp, Telemetry};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// How many the transport has written.
    fn of_transport(&self) -> usize {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().filter(|line| line.contains("hyper_util")).count()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A port nobody listens on.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn an_export_does_not_decide_what_others_log() {
    let (lines, url) = (Lines::default(), nowhere());
    let writer = lines.clone();
    let telemetry = Telemetry::builder()
        .variables(|name| (name == "RUST_LOG").then(|| "trace".to_owned()))
        .service_name("tests")
        .otlp(Otlp::http_protobuf().endpoint(&url).timeout(Duration::from_millis(40)))
        .log_writer(move || writer.clone())
        .install()
        .unwrap();
    drop(telemetry.tracer_provider().tracer("tests").start("order"));
    telemetry.tracer_provider().force_flush().unwrap();
    assert_eq!(lines.of_transport(), 0);

    assert!(reqwest::get(&url).await.is_err());
    assert!(lines.of_transport() > 0);
    assert_eq!(telemetry.shutdown().unwrap_err().losses()[0].lost(), 1);
}
