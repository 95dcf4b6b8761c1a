//! A hundred thousand exchanges of every kind: each one that started has ended once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use opentelemetry::Context;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, Span, SpanData, SpanProcessor},
};
use tests::{Framework, HandlerControl, RawClient, Server, Setup, on_both_frameworks};
use tokio::{sync::watch, time::timeout};

on_both_frameworks![each_of_a_hundred_thousand_exchanges_ends_once];

/// Time limit of every wait.
const PATIENCE: Duration = Duration::from_secs(20);

const CONNECTIONS: usize = 1_000;
const PER_CONNECTION: usize = 100;

/// Paths of the requests in turn. The last request of each connection is aborted.
const PATHS: [&str; 6] =
    ["/items/7", "/status/500", "/empty", "/nowhere", "/items/8?page=2", "/headers"];

async fn each_of_a_hundred_thousand_exchanges_ends_once<F: Framework>() {
    let count = Count::default();
    let provider = SdkTracerProvider::builder().with_span_processor(count.clone()).build();
    let setup = Setup::with_provider(provider);
    let control = setup.control.clone();
    let server = F::serve(setup).await;

    for _ in 0..CONNECTIONS / 10 {
        join_all((0..10).map(|_| converse(&server, &control))).await;
    }

    let all = CONNECTIONS * PER_CONNECTION;
    count.all_ended(all).await;
    server.stop().await;
    assert_eq!(count.totals(), (all, all));
}

/// Sends all requests at once, reads the responses, and disconnects before the last one.
async fn converse(server: &Server, control: &HandlerControl) {
    let mut peer = RawClient::connect(server).await.unwrap();
    for request in 1..PER_CONNECTION {
        peer.get(PATHS[request % PATHS.len()], &[]).await.unwrap();
    }
    peer.read_heads(PER_CONNECTION - 1).await.unwrap();
    peer.get("/pending", &[]).await.unwrap();
    control.entered().await;
    peer.reset().unwrap();
}

/// Number of started and ended spans, without their data.
#[derive(Clone, Debug, Default)]
struct Count {
    started: Arc<AtomicUsize>,
    ended: watch::Sender<usize>,
}

impl Count {
    fn totals(&self) -> (usize, usize) {
        (self.started.load(Ordering::Relaxed), *self.ended.borrow())
    }

    /// Waits until all have ended. A server may detect later that its last callers have
    /// disconnected.
    async fn all_ended(&self, count: usize) {
        let mut ended = self.ended.subscribe();
        let waited = timeout(PATIENCE, ended.wait_for(|ended| *ended >= count)).await;
        assert!(waited.is_ok(), "{:?}", self.totals());
    }
}

impl SpanProcessor for Count {
    fn on_start(&self, _: &mut Span, _: &Context) {
        self.started.fetch_add(1, Ordering::Relaxed);
    }

    fn on_end(&self, _: SpanData) {
        self.ended.send_modify(|ended| *ended += 1);
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
