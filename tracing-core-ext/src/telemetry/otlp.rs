use std::{
    error::Error,
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use async_trait::async_trait;
use http::{
    HeaderMap, Request, Response,
    header::{CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT},
};
use opentelemetry_http::{Bytes, HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{SpanData, SpanExporter},
};
use prost::Message;
use reqwest::redirect::Policy;

use super::{
    config::Otlp, delivery::Delivery, endpoint::Endpoint, error::TelemetryError, waterfall::safe,
};

const PROTOCOL: &str = "http/protobuf";
const HTTP: &str = "an http:// URL, for the feature `tls` of tracing-core-ext is off";
const MOST_MESSAGE_CHARS: usize = 200;

/// Sends spans over HTTP as protobuf.
#[derive(Debug)]
pub(super) struct OtlpExporter {
    inner: opentelemetry_otlp::SpanExporter,
    last_error: LastError,
}

/// Why the last request failed. The exporter itself only tells that there was a network error.
#[derive(Clone, Debug, Default)]
pub(super) struct LastError(Arc<Mutex<Option<String>>>);

/// What the exporters of all signals send with.
#[derive(Debug)]
pub(super) struct Client {
    inner: reqwest::blocking::Client,
    headers: HeaderMap,
    pub(super) last_error: LastError,
    delivery: Arc<Delivery>,
}

impl OtlpExporter {
    pub(super) fn new(
        endpoint: &Endpoint,
        otlp: &Otlp,
        delivery: &Arc<Delivery>,
    ) -> Result<Self, TelemetryError> {
        on_plain_thread(|| {
            let client = Client::new(endpoint, otlp, delivery)?;
            let last_error = client.last_error.clone();
            let inner = opentelemetry_otlp::SpanExporter::builder()
                .with_http()
                .with_http_client(client)
                .with_protocol(Protocol::HttpBinary)
                .with_endpoint(endpoint.url())
                .with_timeout(otlp.timeout)
                .build()
                .map_err(TelemetryError::exporter)?;
            Ok(Self { inner, last_error })
        })
    }
}

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
fn blocking_client(
    endpoint: &Endpoint,
    timeout: Duration,
) -> reqwest::Result<reqwest::blocking::Client> {
    let client = reqwest::blocking::Client::builder().timeout(timeout).redirect(Policy::none());
    match endpoint.is_loopback() {
        true => client.no_proxy().build(),
        false => client.build(),
    }
}

fn check_protocol(protocol: Option<&(&'static str, String)>) -> Result<(), TelemetryError> {
    match protocol {
        Some((setting, value)) if value.trim() != PROTOCOL => {
            Err(TelemetryError::setting(setting, value, PROTOCOL))
        }
        _ => Ok(()),
    }
}

fn check_tls(endpoint: &Endpoint) -> Result<(), TelemetryError> {
    if endpoint.is_https() && !cfg!(feature = "tls") {
        return Err(endpoint.refused(HTTP));
    }
    Ok(())
}

impl SpanExporter for OtlpExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.last_error.take();
        let result = self.inner.export(batch).await;
        result.map_err(|error| match (self.last_error.take(), error) {
            (Some(reason), _) => OTelSdkError::InternalFailure(reason),
            (None, error) => error,
        })
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn shutdown(&self) -> OTelSdkResult {
        self.inner.shutdown()
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        self.last_error.take();
        self.set_headers(request.headers_mut());
        let result = self.inner.send_bytes(request).await;
        match &result {
            Ok(response) => self.read(response),
            Err(error) => self.last_error.set(root_cause(error.as_ref())),
        }
        result
    }
}

impl Client {
    pub(super) fn new(
        endpoint: &Endpoint,
        otlp: &Otlp,
        delivery: &Arc<Delivery>,
    ) -> Result<Self, TelemetryError> {
        check_protocol(otlp.protocol.as_ref())?;
        check_tls(endpoint)?;
        Ok(Self {
            inner: blocking_client(endpoint, otlp.timeout).map_err(TelemetryError::exporter)?,
            headers: otlp.headers.clone(),
            last_error: LastError::default(),
            delivery: Arc::clone(delivery),
        })
    }

    /// The exporter has read headers from the process on its own, leniently: those are left out.
    fn set_headers(&self, headers: &mut HeaderMap) {
        let mut others = std::mem::take(headers);
        for name in [CONTENT_TYPE, CONTENT_ENCODING, USER_AGENT] {
            if let Some(value) = others.remove(&name) {
                headers.insert(name, value);
            }
        }
        headers.extend(self.headers.clone());
    }

    /// "If the request is only partially accepted \[…\], the response MUST be an
    /// `ExportTraceServiceResponse` with `partial_success`": OTLP specification, "Partial Success". That for metrics has
    /// the same fields by the same numbers.
    fn read(&self, response: &Response<Bytes>) {
        let answer = match response.status().is_success() {
            true => ExportTraceServiceResponse::decode(response.body().clone()),
            false => return,
        };
        let Some(partial) = answer.ok().and_then(|answer| answer.partial_success) else {
            return;
        };
        let rejected = u64::try_from(partial.rejected_spans).unwrap_or(0);
        if rejected > 0 {
            self.delivery.reject(rejected, rejection(&partial.error_message));
        }
    }
}

fn rejection(message: &str) -> String {
    match message.is_empty() {
        true => "rejected by the collector".to_owned(),
        false => format!("rejected by the collector: {}", safe(message, MOST_MESSAGE_CHARS)),
    }
}

impl LastError {
    fn set(&self, reason: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
    }

    pub(super) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The innermost error: the outer ones repeat the URL, which may carry credentials.
fn root_cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
pub(super) mod tests;
