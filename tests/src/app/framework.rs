use std::net::SocketAddr;

use opentelemetry::trace::noop::NoopTracerProvider;
use tokio::task::JoinHandle;
use tracing::Dispatch;
use tracing_core_ext::testing::EndedSpan;
use tracing_core_ext::{
    client::Client,
    exchange::{Builder, Instrumentation, ProblemDetails},
    propagation::Propagator,
};

use crate::{HandlerControl, MetricSink, Provider, ScriptStep, SpanSink};

/// A web framework that serves the application of the tests:
///
/// | route | behaviour |
/// | --- | --- |
/// | `/items/{id}` | answers `item {id}` |
/// | `/status/{code}` | answers with this status and a body of two bytes |
/// | `/empty` | answers with 204 |
/// | `/panic` | panics |
/// | `/fails` | answers 500 with an error that has a source, and 400 for `/fails?mistake` |
/// | `/pending` | reports that it was entered and never answers |
/// | `/stream` | streams the script |
/// | `/events` | streams the script as `text/event-stream` |
/// | `/extractor` | answers with the trace id and span id of its extractor, and records on the span and in its metric |
/// | `/id` | answers with the request id of its extractor |
/// | `/problem` | fails with the problem `sold_out`, 409 |
/// | `/refused` | never answers; middleware inside ours refuses with a problem, 403 |
/// | `/work` | runs `work` of the setup, then answers |
/// | `/middleware` | answers with the trace id that middleware inside ours has found in the request's extensions |
/// | `/forward` | calls the setup's URL with an instrumented client and streams the response |
/// | `/headers` | answers with the received headers, one per line |
/// | `/echo` | answers with the body of the request, with `x-cache: hit`, `x-tag: a` and `x-tag: b` |
/// | `/late` | never answers; middleware inside ours returns 503 at once |
/// | `/twice/{id}` | answers `item {id}` below a second middleware of ours |
/// | `/ws` | opens a WebSocket that runs `work` of the setup for every text, then returns the text |
/// | `/ws/traced` | as `/ws`, in a span of the connection |
pub trait Framework {
    /// Serves the application on a free port of 127.0.0.1 until the server is dropped.
    fn serve(setup: Setup) -> impl Future<Output = Server>;
}

/// Options of a server.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Creates the spans.
    pub provider: Provider,
    /// Sink of the spans, if there is one.
    pub sink: Option<SpanSink>,
    /// State that the test shares with the handlers.
    pub control: HandlerControl,
    /// Receives `tracing` spans and events of the server; none by default.
    pub subscriber: Dispatch,
    /// Function that the handler of `/work` runs, and a WebSocket for every text.
    pub work: fn(&Setup),
    /// URL that `/forward` calls.
    pub forward: Option<String>,
    /// Whether there is an SDK that records spans.
    pub has_sdk: bool,
    /// Records metrics of exchanges; `None` by default.
    pub metrics: Option<MetricSink>,
    /// Propagator that replaces the default one.
    pub propagator: Option<Propagator>,
    /// Sets options of the middleware.
    pub options: Option<Options>,
    /// Whether the client of `/forward` sends the request id.
    pub sends_request_id: bool,
}

/// Returns the problem of `/problem`.
pub(crate) fn sold_out() -> ProblemDetails {
    ProblemDetails::new(409)
        .kind("https://shop.example/sold-out")
        .detail("the item is \"sold\" out")
        .member("item", "tea")
}

/// Sets options of a middleware.
pub type Options = fn(Builder<Instrumentation>) -> Builder<Instrumentation>;

impl Setup {
    /// Returns a server that records into `sink`.
    pub fn new(sink: &SpanSink) -> Self {
        Self { sink: Some(sink.clone()), ..Self::with_provider(sink.provider()) }
    }

    /// Returns a server that creates its spans with `provider`.
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
            sends_request_id: false,
        }
    }

    /// Sets the providers and the propagator of a middleware or a client.
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

    /// Builds a middleware with the provider, the propagator and the options.
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
    /// If there is no next service.
    pub async fn forward(&self) -> reqwest::Response {
        let builder = Client::builder().send_request_id(self.sends_request_id);
        let client = self.configure(builder).wrap(reqwest::Client::new());
        let url = self.forward.as_ref().expect("a service to forward to");
        client.get(url).send().await.expect("the next service answers")
    }
}

/// Starts a server of the application, and returns it with the sink of its spans.
pub async fn recorded<F: Framework>() -> (Server, SpanSink) {
    let sink = SpanSink::new();
    (F::serve(Setup::new(&sink)).await, sink)
}

/// Starts a server whose middleware has `options`, and returns it with the sink of its spans.
pub async fn recorded_with<F: Framework>(options: Options) -> (Server, SpanSink) {
    let sink = SpanSink::new();
    let setup = Setup { options: Some(options), ..Setup::new(&sink) };
    (F::serve(setup).await, sink)
}

/// Starts a server whose exchanges are measured, with `options`, and returns it with the sinks of
/// its spans and metrics.
pub async fn measured_with<F: Framework>(options: Options) -> (Server, SpanSink, MetricSink) {
    let (sink, metrics) = (SpanSink::new(), MetricSink::new());
    let setup =
        Setup { options: Some(options), metrics: Some(metrics.clone()), ..Setup::new(&sink) };
    (F::serve(setup).await, sink, metrics)
}

/// Calls a server whose body does `step`, an error or a panic, after its first chunk, and returns the
/// span of the request.
pub async fn span_of_broken_body<F: Framework>(step: ScriptStep) -> EndedSpan {
    let sink = SpanSink::new();
    let setup = Setup::new(&sink);
    let script = setup.control.script();
    let server = F::serve(setup).await;

    let response = reqwest::get(server.url("/stream"));
    script.send(ScriptStep::Data("one")).expect("the script is read");
    let response = response.await.expect("a response");
    script.send(step).expect("the script is read");
    response.bytes().await.expect_err("the body ends with its error");
    sink.only().await
}

/// A running server. Dropping it stops it.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) const fn new(address: SocketAddr, task: JoinHandle<()>) -> Self {
        Self { address, task }
    }

    /// Returns the address of the server.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns an absolute URL on the server.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Server {
    /// Stops the server, and waits until all its tasks have ended.
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
