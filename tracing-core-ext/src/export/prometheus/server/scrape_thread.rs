use std::{
    fmt, io,
    pin::Pin,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    thread,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, Response, StatusCode};
use tokio::{
    runtime::{Builder, Runtime},
    sync::{
        OwnedSemaphorePermit, Semaphore,
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        oneshot,
    },
    task::spawn_blocking,
    time::timeout,
};

use super::responses::{failed, line};
use crate::propagation::Headers;

/// Timeout of the scraper, in seconds with a fraction.
const SCRAPE_TIMEOUT: HeaderName = HeaderName::from_static("x-prometheus-scrape-timeout-seconds");
/// Default timeout of Prometheus.
const DEFAULT_LIMIT: Duration = Duration::from_secs(10);
/// Maximum time for gathering, below the time limit of a connection.
const MAX_LIMIT: Duration = Duration::from_secs(25);
/// Time for sending a response to the scraper.
const RESERVE: Duration = Duration::from_millis(500);
/// Maximum number of scrapes that wait or are gathered.
const MAX_SCRAPES: usize = 32;

/// Threads that gather metrics, one scrape at a time, so that a collector that hangs blocks only
/// scrapes.
#[derive(Default)]
pub(crate) struct ScrapeThread {
    sender: OnceLock<Option<UnboundedSender<Scrape>>>,
    has_logged: Arc<AtomicBool>,
    open: OnceLock<Arc<Semaphore>>,
}

type Gather = Box<dyn FnOnce() -> Response<Bytes> + Send>;

struct Scrape {
    gather: Gather,
    limit: Duration,
    reply: oneshot::Sender<Response<Bytes>>,
    has_logged: Arc<AtomicBool>,
    _place: OwnedSemaphorePermit,
}

/// Response to a request, from
/// [`Endpoint::respond_async`](super::endpoint::Endpoint::respond_async).
#[must_use = "futures do nothing unless polled"]
#[derive(Debug)]
pub struct ScrapeFuture {
    state: State,
    is_head: bool,
}

#[derive(Debug)]
enum State {
    Ready(Option<Response<Bytes>>),
    Gathering(oneshot::Receiver<Response<Bytes>>),
}

impl ScrapeThread {
    /// Calls `gather` on another thread. The future completes within `limit`, even if `gather`
    /// hangs, and does not require a runtime.
    pub(crate) fn respond(
        &self,
        limit: Duration,
        gather: impl FnOnce() -> Response<Bytes> + Send + 'static,
    ) -> ScrapeFuture {
        let open = self.open.get_or_init(|| Arc::new(Semaphore::new(MAX_SCRAPES)));
        let Ok(place) = Arc::clone(open).try_acquire_owned() else {
            return line(StatusCode::SERVICE_UNAVAILABLE, "too many scrapes at once").into();
        };
        let (reply, response) = oneshot::channel();
        let has_logged = Arc::clone(&self.has_logged);
        let scrape = Scrape { gather: Box::new(gather), limit, reply, has_logged, _place: place };
        match self.sender().map(|sender| sender.send(scrape)) {
            Some(Ok(())) => ScrapeFuture { state: State::Gathering(response), is_head: false },
            _ => failed("its thread could not be started").into(),
        }
    }

    fn sender(&self) -> Option<&UnboundedSender<Scrape>> {
        let start = || start().inspect_err(|error| tracing::error!("no scrapes: {error}")).ok();
        self.sender.get_or_init(start).as_ref()
    }
}

fn start() -> io::Result<UnboundedSender<Scrape>> {
    let runtime =
        Builder::new_current_thread().enable_time().thread_name("prometheus-gather").build()?;
    let (sender, scrapes) = unbounded_channel();
    let run = move || run(runtime, scrapes);
    thread::Builder::new().name("prometheus-scrapes".to_owned()).spawn(run)?;
    Ok(sender)
}

/// Ends when the endpoint is dropped. A collector that hangs keeps its thread.
fn run(runtime: Runtime, mut scrapes: UnboundedReceiver<Scrape>) {
    runtime.block_on(async {
        let turn = Arc::new(Semaphore::new(1));
        while let Some(scrape) = scrapes.recv().await {
            tokio::spawn(scrape.run(Arc::clone(&turn)));
        }
    });
    runtime.shutdown_background();
}

impl Scrape {
    async fn run(self, turn: Arc<Semaphore>) {
        let Self { gather, limit, reply, has_logged, _place } = self;
        let response = match timeout(limit, gathered(turn, gather)).await {
            Ok(Some(response)) => response,
            Ok(None) => failed("the scrape was cancelled"),
            Err(_) => timed_out(limit, &has_logged),
        };
        let _ = reply.send(response);
    }
}

/// Waits for earlier scrapes, then runs `gather`. The next scrape starts after `gather`, even if
/// this future is dropped.
async fn gathered(turn: Arc<Semaphore>, gather: Gather) -> Option<Response<Bytes>> {
    let turn = turn.acquire_owned().await.ok()?;
    let gather = move || {
        let _turn = turn;
        gather()
    };
    spawn_blocking(gather).await.ok()
}

fn timed_out(limit: Duration, has_logged: &AtomicBool) -> Response<Bytes> {
    let text = format!("the metrics were not gathered within {limit:?}");
    if !has_logged.swap(true, Ordering::Relaxed) {
        tracing::warn!("a scrape was responded to by 503: {text}, a collector or callback blocks");
    }
    line(StatusCode::SERVICE_UNAVAILABLE, &text)
}

/// Returns the time limit of a scrape, which is shorter than the timeout of the scraper.
pub(crate) fn time_limit(headers: &impl Headers) -> Duration {
    let value = headers.values(&SCRAPE_TIMEOUT).next();
    let seconds = value.and_then(|value| str::from_utf8(value).ok()?.trim().parse::<f64>().ok());
    let seconds = seconds.filter(|seconds| seconds.is_finite() && *seconds > 0.0);
    let limit = seconds.map_or(DEFAULT_LIMIT, |seconds| {
        Duration::from_secs_f64(seconds.min(MAX_LIMIT.as_secs_f64()))
    });
    limit - RESERVE.min(limit / 10)
}

impl ScrapeFuture {
    /// Removes the body if the method is `HEAD`.
    pub(crate) fn for_head(mut self, is_head: bool) -> Self {
        self.is_head = is_head;
        self
    }
}

impl From<Response<Bytes>> for ScrapeFuture {
    fn from(response: Response<Bytes>) -> Self {
        Self { state: State::Ready(Some(response)), is_head: false }
    }
}

impl Future for ScrapeFuture {
    type Output = Response<Bytes>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response<Bytes>> {
        let response = match &mut self.state {
            State::Ready(response) => response.take(),
            State::Gathering(reply) => match Pin::new(reply).poll(cx) {
                Poll::Ready(response) => response.ok(),
                Poll::Pending => return Poll::Pending,
            },
        };
        let response = response.unwrap_or_else(|| failed("the scrape has ended"));
        Poll::Ready(if self.is_head { response.map(|_| Bytes::new()) } else { response })
    }
}

impl fmt::Debug for ScrapeThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScrapeThread(..)")
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use crate::export::prometheus::server::scrape_thread::*;

    fn limit(value: &'static str) -> Duration {
        let value = value.parse().unwrap();
        time_limit(&HeaderMap::from_iter([(SCRAPE_TIMEOUT, value)]))
    }

    #[test]
    fn a_scrape_ends_before_its_scraper_gives_up() {
        let seconds = Duration::from_secs_f64;
        assert_eq!(time_limit(&HeaderMap::new()), seconds(9.5));
        for (value, expected) in [
            ("1", 0.9),
            ("5.000000", 4.5),
            ("15", 14.5),
            ("600", 24.5),
            ("1e300", 24.5),
            ("0", 9.5),
            ("-1", 9.5),
            ("NaN", 9.5),
            ("inf", 9.5),
            ("soon", 9.5),
        ] {
            assert_eq!(limit(value), seconds(expected), "{value}");
        }
    }
}
