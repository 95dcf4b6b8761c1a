//! Forwarding of received requests to another endpoint.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::body::Bytes;
use futures_util::{StreamExt, stream};
use reqwest::{Client, StatusCode, Url, header};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::sleep,
};

use super::intake::{FORWARDED, Forwarding};
use crate::store::Signal;

/// Maximum number of bytes in the queue.
const MOST_WAITING: usize = 64 << 20;
/// Maximum number of concurrent requests.
const MOST_AT_ONCE: usize = 4;
/// Maximum number of attempts for a request. The pause before the second attempt is doubled before
/// each further one.
const MOST_ATTEMPTS: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const TIMEOUT: Duration = Duration::from_secs(10);

/// Forwards requests to another endpoint of OTLP over HTTP. A clone shares queue and counters.
#[derive(Clone, Debug)]
pub struct Forward {
    sender: UnboundedSender<Waiting>,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    endpoint: Url,
    waiting: AtomicUsize,
    delivered: AtomicU64,
    lost: AtomicU64,
    /// Whether the last request was lost. Only the first loss in a row is reported.
    is_losing: AtomicBool,
}

#[derive(Debug)]
struct Waiting {
    signal: Signal,
    body: Vec<u8>,
}

impl Forward {
    /// Starts forwarding to `{endpoint}/v1/traces` and so on, in the current tokio runtime.
    ///
    /// # Errors
    ///
    /// If the endpoint is not an `http` URL.
    pub fn start(endpoint: &str) -> Result<Self, String> {
        let endpoint = endpoint.trim_end_matches('/');
        let url = Url::parse(endpoint).map_err(|error| format!("{endpoint}: {error}"))?;
        if url.scheme() != "http" || url.host().is_none() {
            return Err(format!("{endpoint}: expected a URL such as http://collector:4318"));
        }
        let client = Client::builder().timeout(TIMEOUT).build();
        let client = client.map_err(|error| error.to_string())?;
        let state = Arc::new(State {
            endpoint: url,
            waiting: AtomicUsize::new(0),
            delivered: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            is_losing: AtomicBool::new(false),
        });
        let (sender, receiver) = unbounded_channel();
        tokio::spawn(run(client, Arc::clone(&state), receiver));
        Ok(Self { sender, state })
    }

    /// Waits until all requests are sent or lost.
    pub async fn finish(&self) {
        while self.waiting_bytes() > 0 {
            sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Forwarding for Forward {
    /// Adds the request to the queue. If the queue is full, the request is lost.
    fn offer(&self, signal: Signal, body: Vec<u8>) {
        let length = body.len();
        let before = self.state.waiting.fetch_add(length, Ordering::AcqRel);
        if before + length > MOST_WAITING {
            self.state.waiting.fetch_sub(length, Ordering::AcqRel);
            return self.state.lose("the queue is full");
        }
        // The task ends with the last sender.
        let _ = self.sender.send(Waiting { signal, body });
    }

    fn endpoint(&self) -> &str {
        self.state.endpoint.as_str()
    }

    fn waiting_bytes(&self) -> usize {
        self.state.waiting.load(Ordering::Acquire)
    }

    fn delivered(&self) -> u64 {
        self.state.delivered.load(Ordering::Relaxed)
    }

    fn lost(&self) -> u64 {
        self.state.lost.load(Ordering::Relaxed)
    }
}

async fn run(client: Client, state: Arc<State>, receiver: UnboundedReceiver<Waiting>) {
    let waiting =
        stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)));
    let send = async |waiting: Waiting| {
        let length = waiting.body.len();
        match state.send(&client, waiting).await {
            Ok(()) => state.deliver(),
            Err(reason) => state.lose(&reason),
        }
        state.waiting.fetch_sub(length, Ordering::AcqRel);
    };
    waiting.for_each_concurrent(MOST_AT_ONCE, send).await;
}

impl State {
    async fn send(&self, client: &Client, waiting: Waiting) -> Result<(), String> {
        let path = format!(
            "{}/v1/{}",
            self.endpoint.path().trim_end_matches('/'),
            waiting.signal.as_str()
        );
        let mut url = self.endpoint.clone();
        url.set_path(&path);
        let body = Bytes::from(waiting.body);
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let request = client
                .post(url.clone())
                .header(header::CONTENT_TYPE, "application/x-protobuf")
                .header(FORWARDED, "1")
                .body(body.clone());
            let reason = match request.send().await {
                Ok(response) if response.status().is_success() => return Ok(()),
                Ok(response) if !is_temporary(response.status()) => {
                    return Err(format!("the endpoint responds {}", response.status()));
                }
                Ok(response) => format!("the endpoint responds {}", response.status()),
                Err(error) => error.to_string(),
            };
            if attempt >= MOST_ATTEMPTS {
                return Err(reason);
            }
            sleep(pause).await;
            pause *= 2;
        }
        Ok(())
    }

    fn deliver(&self) {
        self.delivered.fetch_add(1, Ordering::Relaxed);
        if self.is_losing.swap(false, Ordering::Relaxed) {
            let lost = self.lost.load(Ordering::Relaxed);
            eprintln!("panel: {}: requests are forwarded again; {lost} were lost", self.endpoint);
        }
    }

    fn lose(&self, reason: &str) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        if !self.is_losing.swap(true, Ordering::Relaxed) {
            eprintln!("panel: {}: requests are not forwarded: {reason}", self.endpoint);
        }
    }
}

/// Whether a request may be sent again: OTLP specification, "Retryable Response Codes".
fn is_temporary(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}
