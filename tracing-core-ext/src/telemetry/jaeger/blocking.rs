use std::{error::Error, thread, time::Duration};

use reqwest::redirect::Policy;

use crate::telemetry::error::TelemetryError;

/// Builds an exporter on a thread of its own, for the blocking client panics when it is made, or
/// dropped after a failure, inside an async runtime.
pub(super) fn on_plain_thread<E: Send>(
    build: impl FnOnce() -> Result<E, TelemetryError> + Send,
) -> Result<E, TelemetryError> {
    thread::scope(|scope| {
        let panicked = || TelemetryError::exporter("the HTTP client could not be started");
        scope.spawn(build).join().unwrap_or_else(|_| Err(panicked()))
    })
}

/// Redirects are not followed: they turn the POST into a GET without any spans.
pub(super) fn blocking_client(
    is_loopback: bool,
    timeout: Duration,
) -> reqwest::Result<reqwest::blocking::Client> {
    let client = reqwest::blocking::Client::builder().timeout(timeout).redirect(Policy::none());
    match is_loopback {
        true => client.no_proxy().build(),
        false => client.build(),
    }
}

/// The innermost error: the outer ones repeat the URL, which may carry credentials.
pub(super) fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
