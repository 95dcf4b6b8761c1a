//! An export creates no spans and no log lines, also with a subscriber of the service. The
//! subscriber is global, so this is one test.

use std::{
    io::{Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
};

use opentelemetry::trace::{Tracer, TracerProvider};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tests::SpanSink;
use tonic_health::server::health_reporter;
use tracing::{Event, Metadata, Subscriber, span};
use tracing_core_ext::telemetry::{JaegerEndpoint, Otlp, Telemetry, TelemetryBuilder};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
};

/// Names of the threads on which the transport has created spans or events.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn hear(&self, metadata: &Metadata<'_>) {
        let name = metadata.target().split("::").next().unwrap_or_default();
        if ["h2", "hyper", "hyper_util", "reqwest", "tonic", "tower"].contains(&name) {
            let thread = thread::current().name().unwrap_or_default().to_owned();
            self.0.lock().unwrap().push(thread);
        }
    }

    /// Returns the number of spans and events on export threads, and on other threads.
    fn take(&self) -> (usize, usize) {
        let threads = std::mem::take(&mut *self.0.lock().unwrap());
        let (exporting, others): (Vec<_>, Vec<_>) =
            threads.into_iter().partition(|thread| thread.starts_with("otel-export"));
        (exporting.len(), others.len())
    }
}

impl<S: Subscriber> Layer<S> for Heard {
    fn on_new_span(&self, span: &span::Attributes<'_>, _: &span::Id, _: Context<'_, S>) {
        self.hear(span.metadata());
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.hear(event.metadata());
    }
}

/// Starts a server that answers every request with 200.
fn http_collector() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut buffer = [0; 4096];
            while stream.read(&mut buffer).is_ok_and(|length| length > 0) {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
            }
        }
    });
    url
}

/// Starts a gRPC server without the services of OTLP.
async fn grpc_server() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let (_, health) = health_reporter();
    let incoming = tonic::transport::server::TcpIncoming::from(listener);
    let serving = tonic::transport::Server::builder().add_service(health);
    tokio::spawn(async move { serving.serve_with_incoming(incoming).await.unwrap() });
    url
}

/// Exports a span, and returns the reason why it was not delivered.
fn export(to: impl FnOnce(TelemetryBuilder) -> TelemetryBuilder) -> String {
    let builder = to(Telemetry::builder().variables(|_| None).service_name("tests"));
    let (telemetry, _subscriber) = builder.build().unwrap();
    drop(telemetry.tracer_provider().tracer("tests").start("order"));
    telemetry.shutdown().map_or_else(|lost| lost.to_string(), |()| String::new())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_export_is_neither_traced_nor_logged_and_does_not_silence_other_code() {
    let (heard, sink) = (Heard::default(), SpanSink::new());
    let provider = SdkTracerProvider::builder().with_simple_exporter(sink.receiver()).build();
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("tests"));
    let subscriber = tracing_subscriber::registry().with(heard.clone()).with(spans);
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let url = http_collector();

    // The first export, because the first thread at a callsite decides for all threads.
    let jaeger = JaegerEndpoint::collector(&format!("{url}/api/traces")).unwrap();
    assert_eq!(export(|builder| builder.jaeger(jaeger)), "");
    assert_eq!(heard.take(), (0, 0));
    assert_eq!(export(|builder| builder.otlp(Otlp::http_protobuf().endpoint(&url))), "");
    assert_eq!(heard.take(), (0, 0));
    assert!(sink.spans().is_empty(), "{:#?}", sink.spans());
    let grpc = Otlp::grpc().endpoint(grpc_server().await);
    let lost = export(|builder| builder.otlp(grpc));
    assert!(lost.contains("gRPC UNIMPLEMENTED"), "{lost}");
    assert_eq!(heard.take().0, 0);

    reqwest::get(&url).await.unwrap();
    let (exporting, others) = heard.take();
    assert_eq!(exporting, 0);
    assert!(others > 0, "a client of the service is not suppressed");
}
