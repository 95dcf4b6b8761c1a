//! Friendly callers, a browser with the panel, and the start of hostile callers.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::{Client, Method};
use tokio::{task::JoinSet, time::sleep};

use crate::{Result, hostile};

/// Number of friendly callers, and of hostile ones, of each framework.
const CALLERS: u64 = 4;

/// Time between two requests of a caller.
const PAUSE: Duration = Duration::from_millis(8);

/// Time between two pages of the panel.
const PANEL_PAUSE: Duration = Duration::from_millis(400);

/// Time limit of a friendly request.
const PATIENCE: Duration = Duration::from_secs(30);

/// Number of failures that are reported.
const MOST_FAILURES: usize = 10;

/// Servers of the service.
#[derive(Clone)]
pub(crate) struct Targets {
    pub(crate) axum: u16,
    pub(crate) actix: u16,
    pub(crate) panel: String,
}

/// Results of all callers.
#[derive(Default)]
pub(crate) struct Calls {
    /// Requests of friendly callers by framework, and the times of their complete responses.
    times: [Vec<u32>; 2],
    requests: [u64; 2],
    hostile: u64,
    pages: u64,
    pub(crate) failures: Vec<String>,
}

/// Expectations of a friendly caller.
enum Expected {
    /// Status and text.
    Text(u16, &'static str),
    /// Status and number of bytes.
    Bytes(u16, usize),
    /// A response that fails, because the handler makes it fail.
    Failure,
}

/// Requests in turn, by method and path.
const REQUESTS: [(&str, &str, Expected); 16] = [
    ("GET", "/items/7", Expected::Text(200, "item 7")),
    ("GET", "/chain", Expected::Text(200, "item 9")),
    ("GET", "/items/8?page=2", Expected::Text(200, "item 8")),
    ("GET", "/empty", Expected::Text(204, "")),
    ("HEAD", "/items/7", Expected::Text(200, "")),
    ("GET", "/status/304", Expected::Text(304, "")),
    ("GET", "/items/7", Expected::Text(200, "item 7")),
    ("GET", "/status/404", Expected::Bytes(404, 0)),
    ("GET", "/status/503", Expected::Bytes(503, 0)),
    ("GET", "/stream", Expected::Bytes(200, 8 * 1024)),
    ("POST", "/echo", Expected::Text(200, "a body")),
    ("GET", "/late", Expected::Bytes(503, 0)),
    ("GET", "/items/7", Expected::Text(200, "item 7")),
    ("GET", "/panic", Expected::Failure),
    ("GET", "/body-error", Expected::Failure),
    ("GET", "/body-panic", Expected::Failure),
];

impl Calls {
    fn fail(&mut self, failure: String) {
        if self.failures.len() < MOST_FAILURES {
            self.failures.push(failure);
        }
    }
}

/// Writes into the results. The lock is not kept while a caller waits.
fn note(calls: &Mutex<Calls>, write: impl FnOnce(&mut Calls)) {
    write(&mut calls.lock().unwrap_or_else(PoisonError::into_inner));
}

/// All callers.
pub(crate) struct Callers;

impl Callers {
    /// Calls until it is over.
    pub(crate) fn run(targets: &Targets, is_over: &Arc<AtomicBool>) -> Result<Calls> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        runtime.block_on(call(targets, is_over))
    }
}

async fn call(targets: &Targets, is_over: &Arc<AtomicBool>) -> Result<Calls> {
    let calls = Arc::new(Mutex::new(Calls::default()));
    let mut callers = JoinSet::new();
    for (framework, port) in [targets.axum, targets.actix].into_iter().enumerate() {
        for caller in 0..CALLERS {
            let (calls, is_over) = (Arc::clone(&calls), Arc::clone(is_over));
            callers.spawn(friendly(framework, port, caller, calls, is_over));
        }
        for caller in 0..CALLERS {
            let (calls, is_over) = (Arc::clone(&calls), Arc::clone(is_over));
            callers.spawn(hostile_caller(port, caller, calls, is_over));
        }
    }
    callers.spawn(browser(targets.panel.clone(), Arc::clone(&calls), Arc::clone(is_over)));
    while let Some(ended) = callers.join_next().await {
        ended??;
    }
    let calls = std::mem::take(&mut *calls.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(calls)
}

async fn friendly(
    framework: usize,
    port: u16,
    caller: u64,
    calls: Arc<Mutex<Calls>>,
    is_over: Arc<AtomicBool>,
) -> Result<()> {
    let client = Client::builder().no_proxy().timeout(PATIENCE).build()?;
    let requests = REQUESTS.iter().cycle().skip(3 * caller as usize);
    for (method, path, expected) in requests {
        if is_over.load(Ordering::Relaxed) {
            return Ok(());
        }
        let started = Instant::now();
        let sent =
            request(&client, method, &format!("http://127.0.0.1:{port}{path}"), expected).await;
        let time = started.elapsed().as_micros();
        note(&calls, |calls| {
            calls.requests[framework] += 1;
            // The others wait, or break off, as their handlers do.
            if path.starts_with("/items") {
                calls.times[framework].push(u32::try_from(time).unwrap_or(u32::MAX));
            }
            if let Err(failure) = sent {
                calls.fail(format!("{method} {path} on port {port}: {failure}"));
            }
        });
        sleep(PAUSE).await;
    }
    Ok(())
}

async fn request(
    client: &Client,
    method: &str,
    url: &str,
    expected: &Expected,
) -> std::result::Result<(), String> {
    let request = client.request(Method::from_bytes(method.as_bytes()).unwrap_or_default(), url);
    let request = if method == "POST" { request.body("a body") } else { request };
    let received = async {
        let response = request.send().await?;
        Ok::<_, reqwest::Error>((response.status().as_u16(), response.bytes().await?))
    };
    let received = received.await;
    let is_expected = match (expected, &received) {
        (Expected::Text(status, text), Ok((found, body))) => {
            found == status && &body[..] == text.as_bytes()
        }
        (Expected::Bytes(status, length), Ok((found, body))) => {
            found == status && body.len() == *length
        }
        (Expected::Failure, Err(error)) => !error.is_timeout(),
        _ => false,
    };
    if is_expected { Ok(()) } else { Err(format!("{received:?}")) }
}

async fn hostile_caller(
    port: u16,
    caller: u64,
    calls: Arc<Mutex<Calls>>,
    is_over: Arc<AtomicBool>,
) -> Result<()> {
    static TURN: AtomicU64 = AtomicU64::new(0);
    while !is_over.load(Ordering::Relaxed) {
        let turn = TURN.fetch_add(1, Ordering::Relaxed) + caller;
        let sent = hostile::attack(port, turn).await;
        note(&calls, |calls| {
            calls.hostile += 1;
            if let Err(failure) = sent {
                calls.fail(format!("hostile request {turn} on port {port}: {failure}"));
            }
        });
        sleep(PAUSE).await;
    }
    Ok(())
}

async fn browser(url: String, calls: Arc<Mutex<Calls>>, is_over: Arc<AtomicBool>) -> Result<()> {
    let client = Client::builder().no_proxy().timeout(PATIENCE).build()?;
    let pages = [
        "overview",
        "traces",
        "traces?q=status:error",
        "running",
        "map",
        "errors",
        "logs",
        "metrics",
        "health",
        "api/traces",
        "api/logs",
        "api/overview",
        "api/running",
    ];
    for page in pages.iter().cycle() {
        if is_over.load(Ordering::Relaxed) {
            return Ok(());
        }
        let response = client.get(format!("{url}{page}")).send().await;
        let status = response.as_ref().map(|response| response.status().as_u16());
        let is_served = matches!(status, Ok(200));
        let read = match response {
            Ok(response) => response.bytes().await.map(|_| ()),
            Err(error) => Err(error),
        };
        note(&calls, |calls| {
            calls.pages += 1;
            if !is_served || read.is_err() {
                calls.fail(format!("the page {page} of the panel: {read:?}"));
            }
        });
        sleep(PANEL_PAUSE).await;
    }
    Ok(())
}

impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (framework, (times, requests)) in
            ["axum", "actix"].into_iter().zip(self.times.iter().zip(self.requests))
        {
            let mut times = times.clone();
            times.sort_unstable();
            let at = |share: f64| {
                let index = (times.len() as f64 * share) as usize;
                let time = times.get(index).or(times.last()).copied().unwrap_or(0);
                f64::from(time) / 1000.0
            };
            writeln!(
                f,
                "{framework}: {requests} friendly requests; /items: p50 {:.2} ms, p99 {:.2} ms",
                at(0.5),
                at(0.99)
            )?;
        }
        let Self { hostile, pages, failures, .. } = self;
        let failed = failures.len();
        writeln!(f, "{hostile} hostile requests, {pages} pages of the panel; {failed} failures")
    }
}
