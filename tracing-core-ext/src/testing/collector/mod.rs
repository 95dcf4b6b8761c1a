//! A collector for end-to-end tests, which can misbehave.

mod batch;
mod convert;
mod metrics;
pub(crate) mod request;
mod server;

use std::{
    fmt, io,
    net::SocketAddr,
    ops::Deref,
    sync::{Arc, Mutex},
    time::Duration,
};

pub use self::request::{Answer, ReceivedRequest};
use self::server::{Script, Server};
use super::{
    metrics::source::MetricSource,
    recorded::{
        Recorded,
        store::{State, Store},
        waiting::Waiting,
    },
};

/// Time limit of waits. Exporters wait for several seconds before they export a batch.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A collector that receives traces, metrics and log records over OTLP/HTTP, as protobuf or JSON, on a free port of this
/// machine. It stops when it is dropped.
///
/// It dereferences to [`Recorded`], so what it has received is compared as in a test without a network. Ids and times are
/// those of the exporter. A trace arrives in parts: [`only`](Recorded::only) returns when the parent of each span has
/// arrived or is in another process, and [`wait_for_spans`](Recorded::wait_for_spans) waits for all.
///
/// ```
/// use opentelemetry::trace::{Tracer, TracerProvider};
/// # #[cfg(feature = "otlp")]
/// # fn test() -> Result<(), Box<dyn std::error::Error>> {
/// use tracing_core_ext::{
///     telemetry::Telemetry,
///     testing::{Answer, Collector, trace},
/// };
///
/// let collector = Collector::start()?;
/// collector.answer_next([Answer::Unavailable]);
///
/// let endpoint = collector.endpoint();
/// let (telemetry, _) = Telemetry::builder()
///     .service_name("shop")
///     .variables(move |name| (name == "OTEL_EXPORTER_OTLP_ENDPOINT").then(|| endpoint.clone()))
///     .build()?;
/// telemetry.tracer_provider().tracer("shop").in_span("order", |_| {});
///
/// // The second attempt is accepted.
/// telemetry.force_flush()?;
/// collector.only().blocking().is(trace! { "order" });
/// assert_eq!(collector.requests().len(), 2);
/// telemetry.shutdown()?;
/// # Ok(())
/// # }
/// # #[cfg(feature = "otlp")]
/// # test().unwrap();
/// ```
pub struct Collector {
    recorded: Recorded,
    script: Arc<Script>,
    server: Server,
}

impl Collector {
    /// Starts a collector that accepts everything.
    ///
    /// # Errors
    ///
    /// If there is no free port or no thread.
    pub fn start() -> io::Result<Self> {
        let store = Arc::<Store>::default();
        let points = Arc::<Mutex<Vec<_>>>::default();
        let script = Arc::<Script>::default();
        let server = Server::start(Arc::clone(&script), Arc::clone(&store), Arc::clone(&points))?;
        let metrics = MetricSource::Received(points);
        Ok(Self { recorded: Recorded { store, timeout: TIMEOUT, metrics }, script, server })
    }

    /// Sets the answers to the next requests, in this order. Later requests get the usual answer.
    pub fn answer_next(&self, answers: impl IntoIterator<Item = Answer>) {
        self.script.push(answers);
    }

    /// Sets the usual answer, which is [`Answer::Accept`] at the start.
    pub fn answer_all(&self, answer: Answer) {
        self.script.set_usual(answer);
    }

    /// Returns the address of the collector.
    pub const fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Returns the URL for `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Returns the requests that have been received, in their order.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.store.lock().requests.clone()
    }

    /// Waits until this number of requests has been received, answered or not.
    ///
    /// # Panics
    ///
    /// If the deadline passes.
    #[track_caller]
    pub fn wait_for_requests(&self, count: usize) -> Waiting<Vec<ReceivedRequest>> {
        let ready = move |state: &State| {
            (state.requests.len() >= count).then(|| Ok(state.requests.clone()))
        };
        let late = move |state: &State| {
            format!("waited {TIMEOUT:?} for {count} requests, received {:#?}", state.requests)
        };
        Waiting::new(&self.store, TIMEOUT, ready, late)
    }
}

impl Deref for Collector {
    type Target = Recorded;

    fn deref(&self) -> &Recorded {
        &self.recorded
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector")
            .field("address", &self.address())
            .field("requests", &self.requests())
            .finish_non_exhaustive()
    }
}
