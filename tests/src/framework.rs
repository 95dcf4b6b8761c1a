use std::net::SocketAddr;

use opentelemetry::trace::noop::NoopTracerProvider;
use tokio::task::JoinHandle;
use tracing::Dispatch;
use tracing_core_ext::{
    client::Client,
    exchange::{Builder, Instrumentation},
    propagation::Propagator,
};

use crate::{HandlerControl, MetricSink, Provider, SpanSink};

/// A web framework that serves the application of the tests:
///
/// | route | does |
/// | --- | --- |
/// | `/items/{id}` | answers `item {id}` |
/// | `/status/{code}` | answers that status, with a body of two bytes |
/// | `/empty` | answers 204 |
/// | `/panic` | panics |
/// | `/fails` | answers 500 with an error that has a source, and 400 for `/fails?mistake` |
/// | `/pending` | reports that it was entered and never answers |
/// | `/stream` | streams what the script says |
/// | `/events` | streams what the script says, as `text/event-stream` |
/// | `/extractor` | answers trace id and span id of its extractor, and records on it and in its metric |
/// | `/work` | runs what the setup says, then answers |
/// | `/middleware` | answers the trace id that middleware inside ours has found in the request's extensions |
/// | `/forward` | calls the setup's URL with an instrumented client and streams the answer |
/// | `/headers` | answers the headers it received, a line each |
/// | `/echo` | reads its body and answers it, with `x-cache: hit`, `x-tag: a` and `x-tag: b` |
/// | `/late` | never answers; middleware inside ours gives up at once and answers 503 |
/// | `/twice/{id}` | answers `item {id}` below a second middleware of ours |
/// | `/ws` | opens a WebSocket that runs what the setup says for every text, then sends it back |
/// | `/ws/traced` | does the same in a span of the connection |
pub trait Framework {
    /// Serves the application on a free port of 127.0.0.1 until the server is dropped.
    fn serve(setup: Setup) -> impl Future<Output = Server>;
}

/// What a server is made with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Makes the spans.
    pub provider: Provider,
    /// Sink that the spans end in, if there is one.
    pub sink: Option<SpanSink>,
    /// What the test shares with the handlers.
    pub control: HandlerControl,
    /// Receives `tracing` spans and events of the server; none by default.
    pub subscriber: Dispatch,
    /// What `/work` does, in the handler, and a WebSocket for every text.
    pub work: fn(&Setup),
    /// What `/forward` calls.
    pub forward: Option<String>,
    /// Whether spans are made at all.
    pub has_sdk: bool,
    /// Measures exchanges; none by default.
    pub metrics: Option<MetricSink>,
    /// Carries context instead of the default.
    pub propagator: Option<Propagator>,
    /// Sets options of the middleware.
    pub options: Option<Options>,
}

/// Sets options of a middleware.
pub type Options = fn(Builder<Instrumentation>) -> Builder<Instrumentation>;

impl Setup {
    /// A server that records into `sink` and does nothing else.
    pub fn new(sink: &SpanSink) -> Self {
        Self { sink: Some(sink.clone()), ..Self::with_provider(sink.provider()) }
    }

    /// A server that makes its spans with `provider` and does nothing else.
    pub fn with_provider(provider: impl Into<Provider>) -> Self {
        Self {
            provider: provider.into(),
            sink: None,
            control: HandlerControl::new(),
            subscriber: Dispatch::none(),
            work: |_| {},
            forward: None,
            has_sdk: true,
            metrics: None,
            propagator: None,
            options: None,
        }
    }

    /// Gives a middleware or a client the providers and the propagator.
    pub fn configure<T: From<Instrumentation>>(&self, mut builder: Builder<T>) -> Builder<T> {
        if let Some(propagator) = self.propagator.clone() {
            builder = builder.propagator(propagator);
        }
        if let Some(metrics) = &self.metrics {
            builder = builder.meter_provider(metrics.provider());
        }
        if self.has_sdk {
            self.provider.configure(builder)
        } else {
            builder.tracer_provider(&NoopTracerProvider::new())
        }
    }

    /// Builds a middleware with provider, propagator and options.
    pub fn middleware<T: From<Instrumentation>>(&self, builder: Builder<T>) -> T {
        match self.options {
            Some(options) => T::from(options(self.configure(Builder::new("tests", "1"))).build()),
            None => self.configure(builder).build(),
        }
    }

    /// Calls the next service.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub async fn forward(&self) -> reqwest::Response {
        let client = self.configure(Client::builder()).wrap(reqwest::Client::new());
        let url = self.forward.as_ref().expect("a service to forward to");
        client.get(url).send().await.expect("the next service answers")
    }
}

/// A server of the application, and where its spans end.
pub async fn recorded<F: Framework>() -> (Server, SpanSink) {
    let sink = SpanSink::new();
    (F::serve(Setup::new(&sink)).await, sink)
}

/// A server whose middleware has `options`, and where its spans end.
pub async fn recorded_with<F: Framework>(options: Options) -> (Server, SpanSink) {
    let sink = SpanSink::new();
    let setup = Setup { options: Some(options), ..Setup::new(&sink) };
    (F::serve(setup).await, sink)
}

/// A server whose exchanges are measured, with `options`, and where its spans and its metrics end.
pub async fn measured_with<F: Framework>(options: Options) -> (Server, SpanSink, MetricSink) {
    let (sink, metrics) = (SpanSink::new(), MetricSink::new());
    let setup =
        Setup { options: Some(options), metrics: Some(metrics.clone()), ..Setup::new(&sink) };
    (F::serve(setup).await, sink, metrics)
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

impl Server {
    /// Stops it, and waits until nothing of it runs any more.
    pub async fn stop(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}
