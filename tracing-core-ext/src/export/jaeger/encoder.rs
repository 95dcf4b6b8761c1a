use std::{
    borrow::Cow,
    env, fmt,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use futures_util::FutureExt;
use opentelemetry_http_0_12::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_sdk::{Resource, trace::SpanData};
use opentelemetry_sdk_0_23::{
    Resource as OldResource,
    export::trace::SpanExporter as _,
    runtime::Tokio,
    trace::{Config, RandomIdGenerator, Sampler, SpanLimits},
};

use super::convert;
use crate::base::{error::TelemetryError, redacted_url::redact};

const ENDPOINT: &str = "OTEL_EXPORTER_JAEGER_ENDPOINT";

/// Encodes spans as a batch of Jaeger in Thrift's binary protocol.
///
/// It uses the collector exporter of `opentelemetry-jaeger` with an HTTP client that captures the
/// request instead of sending it. The endpoint that this exporter reads from the environment has no
/// effect.
pub(super) struct Encoder {
    exporter: Mutex<Exporter>,
    captured: CapturedBody,
}

#[allow(deprecated, reason = "the whole crate is")]
type Exporter = opentelemetry_jaeger::Exporter;

/// HTTP client that captures the body of the last request.
#[derive(Clone, Debug, Default)]
struct CapturedBody(Arc<Mutex<Vec<u8>>>);

impl Encoder {
    /// Returns an error if `OTEL_EXPORTER_JAEGER_ENDPOINT` of the process is not a URI.
    pub(super) fn new(resource: &Resource) -> Result<Self, TelemetryError> {
        let captured = CapturedBody::default();
        let exporter = exporter(convert::resource(resource), captured.clone());
        Ok(Self { exporter: Mutex::new(exporter?), captured })
    }

    pub(super) fn encode(&self, batch: &[SpanData]) -> Result<Vec<u8>, String> {
        let spans = batch.iter().map(convert::span).collect();
        let mut exporter = self.exporter.lock().unwrap_or_else(PoisonError::into_inner);
        match exporter.export(spans).now_or_never() {
            Some(Ok(())) => Ok(self.captured.take()),
            Some(Err(error)) => Err(error.to_string()),
            None => Err("opentelemetry-jaeger waits although nothing is sent".to_owned()),
        }
    }
}

#[allow(deprecated, reason = "the whole crate is")]
fn exporter(resource: OldResource, client: CapturedBody) -> Result<Exporter, TelemetryError> {
    let exporter = opentelemetry_jaeger::new_collector_pipeline()
        .with_trace_config(config(resource))
        .with_http_client(client)
        .build_collector_exporter::<Tokio>();
    exporter.map_err(|error| match env::var(ENDPOINT) {
        Ok(value) => {
            let expected = "a URL such as http://localhost:14268/api/traces, or no value, because \
                            opentelemetry-jaeger reads the variable even if code sets an endpoint";
            TelemetryError::setting(ENDPOINT, redact(&value), expected)
        }
        Err(_) => TelemetryError::exporter(error),
    })
}

/// Replaces the default configuration, which reads samplers, limits and resource attributes from
/// the environment.
fn config(resource: OldResource) -> Config {
    Config {
        sampler: Box::new(Sampler::AlwaysOn),
        id_generator: Box::new(RandomIdGenerator::default()),
        span_limits: SpanLimits::default(),
        resource: Cow::Owned(resource),
    }
}

#[async_trait]
impl HttpClient for CapturedBody {
    async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Bytes>, HttpError> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = request.into_body();
        Ok(Response::new(Bytes::new()))
    }
}

impl CapturedBody {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Encoder(..)")
    }
}
