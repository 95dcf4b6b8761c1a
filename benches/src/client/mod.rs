//! Clients. Each request is a root, because no span is current.

pub(crate) mod chain;
pub(crate) mod loopback;

use reqwest::{
    Method, Request, Response, Url,
    header::{ACCEPT, HeaderValue, USER_AGENT},
};
use tokio::runtime::{self, Runtime};
use tracing::Dispatch;

use crate::{rig::Rig, telemetry};

fn message(url: &Url) -> Request {
    let mut request = Request::new(Method::GET, url.clone());
    let headers = request.headers_mut();
    headers.insert(USER_AGENT, HeaderValue::from_static("curl/8.14.1"));
    headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
    request
}

async fn exchange(url: &Url, requests: usize, send: &impl AsyncFn(Request) -> Response) {
    for _ in 0..requests {
        send(message(url)).await.bytes().await.expect("a short body");
    }
}

/// Returns the subscriber that reqwest-tracing requires.
fn subscriber(rig: &Rig) -> Option<Dispatch> {
    rig.tracers.as_ref().map(|_| telemetry::install_previous(rig.mode.is_sampled()))
}

fn runtime() -> Runtime {
    runtime::Builder::new_current_thread().enable_all().build().expect("a runtime of one thread")
}
