//! Two hundred thousand requests with different paths, methods and hosts: callers cannot increase
//! the number of series or the memory.

use std::fs;

use futures_util::future::join_all;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tests::{Framework, MetricSink, Server, Setup, on_both_frameworks};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

on_both_frameworks![callers_cannot_make_series_or_memory_grow];

const REQUESTS: usize = 200_000;
/// Number of requests before memory is measured. All series and caches exist after them.
const WARM_UP: usize = 20_000;
const CONNECTIONS: usize = 8;
/// Number of concurrent requests.
const BATCH: usize = 50;

const MOST_SERIES: usize = 8;
const MOST_GROWTH: usize = 8 * 1024 * 1024;

async fn callers_cannot_make_series_or_memory_grow<F: Framework>() {
    let metrics = MetricSink::new();
    let provider = SdkTracerProvider::builder().build();
    let setup = Setup { metrics: Some(metrics.clone()), ..Setup::with_provider(provider) };
    let server = F::serve(setup).await;

    send(&server, 0..WARM_UP).await;
    let before = resident();
    send(&server, WARM_UP..REQUESTS).await;
    let after = resident();

    let durations = metrics.wait_for("http.server.request.duration", REQUESTS as u64).await;
    let active = metrics.series("http.server.active_requests");
    println!(
        "{}: {REQUESTS} requests, {} series of durations, {} in flight; {} KiB before, {} KiB after",
        std::any::type_name::<F>(),
        durations.len(),
        active.len(),
        before / 1024,
        after / 1024,
    );
    assert!(durations.len() <= MOST_SERIES && active.len() <= MOST_SERIES, "{durations:#?}");
    assert!(after.saturating_sub(before) <= MOST_GROWTH, "{before} bytes, then {after}");
}

/// Sends these requests over a few connections.
async fn send(server: &Server, numbers: std::ops::Range<usize>) {
    let share = numbers.len() / CONNECTIONS;
    let connections = (0..CONNECTIONS).map(|connection| {
        let start = numbers.start + connection * share;
        converse(server, start..start + share)
    });
    join_all(connections).await;
}

async fn converse(server: &Server, numbers: std::ops::Range<usize>) {
    let mut stream = TcpStream::connect(server.address()).await.unwrap();
    let (mut read, all) = (vec![0; 64 * 1024], numbers.clone());
    for start in all.step_by(BATCH) {
        let batch = start..numbers.end.min(start + BATCH);
        let requests: String = batch.clone().map(request).collect();
        stream.write_all(requests.as_bytes()).await.unwrap();
        let mut answered = Answers::default();
        while answered.count < batch.len() {
            let length = stream.read(&mut read).await.unwrap();
            assert_ne!(length, 0, "closed after {} of {batch:?}", answered.count);
            answered.add(&read[..length]);
        }
    }
}

/// Half of the requests match a route.
fn request(number: usize) -> String {
    let folder = if number.is_multiple_of(2) { "items" } else { "nowhere" };
    let method = if number.is_multiple_of(3) { "GET".to_owned() } else { format!("M{number}") };
    format!("{method} /{folder}/{number}?q={number} HTTP/1.1\r\nhost: h{number}.example\r\n\r\n")
}

/// Counter of status lines, which may be split between two reads.
#[derive(Default)]
struct Answers {
    count: usize,
    matched: usize,
}

impl Answers {
    fn add(&mut self, bytes: &[u8]) {
        const START: &[u8] = b"HTTP/1.1 ";
        for byte in bytes {
            self.matched = match START[self.matched] == *byte {
                true => self.matched + 1,
                false => usize::from(START[0] == *byte),
            };
            if self.matched == START.len() {
                (self.count, self.matched) = (self.count + 1, 0);
            }
        }
    }
}

/// Resident memory of this process in bytes. Measured only on Linux.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kibibytes.map_or(0, |kibibytes| kibibytes.parse::<usize>().unwrap() * 1024)
}
