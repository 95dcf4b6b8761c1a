use std::net::SocketAddr;

use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::task::JoinHandle;
use tracing::Dispatch;
use tracing_core_ext::client::Client;

use crate::{SpanSink, Stage};

/// A web framework that serves the application of the tests:
///
/// | route | does |
/// | --- | --- |
/// | `/items/{id}` | answers `item {id}` |
/// | `/status/{code}` | answers that status, with a body of two bytes |
/// | `/empty` | answers 204 |
/// | `/panic` | panics |
/// | `/pending` | enters the stage and never answers |
/// | `/stream` | streams what the stage scripts |
/// | `/extractor` | answers trace id and span id of its extractor, and records on it |
/// | `/work` | runs what the setup says, then answers |
/// | `/forward` | calls the setup's URL with the setup's client and streams the answer |
pub trait Framework {
    /// Serves the application on a free port of 127.0.0.1 until the server is dropped.
    fn serve(setup: Setup) -> impl Future<Output = Server>;
}

/// What a server is made with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Makes the spans.
    pub provider: SdkTracerProvider,
    /// What the test shares with the handlers.
    pub stage: Stage,
    /// Receives `tracing` spans and events of the server.
    pub subscriber: Dispatch,
    /// What `/work` does, in the handler.
    pub work: fn(&Stage),
    /// What `/forward` calls, and with which client.
    pub forward: Option<(Client, String)>,
}

impl Setup {
    /// A server that records into `sink` and does nothing else.
    pub fn new(sink: &SpanSink) -> Self {
        Self::with_provider(sink.provider())
    }

    /// A server that makes its spans with `provider` and does nothing else.
    pub fn with_provider(provider: SdkTracerProvider) -> Self {
        Self {
            provider,
            stage: Stage::new(),
            subscriber: Dispatch::none(),
            work: |_| {},
            forward: None,
        }
    }
}

/// A running server; dropping it stops it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) const fn new(address: SocketAddr, task: JoinHandle<()>) -> Self {
        Self { address, task }
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// An absolute URL on it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}
