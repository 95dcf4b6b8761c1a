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
    config::Environment, delivery::Delivery, endpoint::Endpoint, error::TelemetryError,
    waterfall::safe,
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
struct LastError(Arc<Mutex<Option<String>>>);

#[derive(Debug)]
struct Client {
    inner: reqwest::blocking::Client,
    headers: HeaderMap,
    last_error: LastError,
    delivery: Arc<Delivery>,
}

impl OtlpExporter {
    /// Builds the exporter on a thread of its own, for the blocking client panics when it is
    /// made, or dropped after a failure, inside an async runtime.
    pub(super) fn new(
        endpoint: &Endpoint,
        environment: &Environment,
        delivery: &Arc<Delivery>,
    ) -> Result<Self, TelemetryError> {
        check_protocol(environment.protocol.as_ref())?;
        check_tls(endpoint)?;
        thread::scope(|scope| {
            let building = scope.spawn(|| Self::build(endpoint, environment, delivery));
            let panicked = || TelemetryError::exporter("the HTTP client could not be started");
            building.join().unwrap_or_else(|_| Err(panicked()))
        })
    }

    fn build(
        endpoint: &Endpoint,
        environment: &Environment,
        delivery: &Arc<Delivery>,
    ) -> Result<Self, TelemetryError> {
        let last_error = LastError::default();
        let timeout = environment.timeout;
        let client = Client {
            inner: blocking_client(endpoint, timeout).map_err(TelemetryError::exporter)?,
            headers: environment.headers.clone(),
            last_error: last_error.clone(),
            delivery: Arc::clone(delivery),
        };
        let inner = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(endpoint.url())
            .with_timeout(timeout)
            .build()
            .map_err(TelemetryError::exporter)?;
        Ok(Self { inner, last_error })
    }
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
    /// `ExportTraceServiceResponse` with `partial_success`": OTLP specification, "Partial Success".
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

    fn take(&self) -> Option<String> {
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
mod tests;
