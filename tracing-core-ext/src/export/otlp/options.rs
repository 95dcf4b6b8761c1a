use std::{fmt, time::Duration};

use crate::config::otlp::protocol::{Compression, Protocol};

/// Options for exporting spans and metrics over OTLP, for
/// [`TelemetryBuilder::otlp`](crate::telemetry::TelemetryBuilder::otlp).
///
/// ```
/// use std::time::Duration;
///
/// use tracing_core_ext::telemetry::{Compression, Otlp, Telemetry};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let otlp = Otlp::http_json()
///     .endpoint("http://localhost:4318")
///     .header("x-tenant", "shop")
///     .timeout(Duration::from_secs(3))
///     .compression(Compression::Gzip);
/// let (telemetry, _subscriber) =
///     Telemetry::builder().service_name("checkout").otlp(otlp).build()?;
/// # drop(telemetry);
/// # Ok(())
/// # }
/// ```
///
/// An option that is not set here is read from the variable of the signal
/// (`OTEL_EXPORTER_OTLP_TRACES_…`, `OTEL_EXPORTER_OTLP_METRICS_…`), then from the one for all
/// signals (`OTEL_EXPORTER_OTLP_…`), and otherwise has its default.
///
/// A failed export that can be retried is retried within its timeout: after 100 ms, then after
/// twice as long each time. While a collector requires a pause (`Retry-After`, `RetryInfo`), of at
/// most five minutes each time, spans wait in their queue, and are lost only if the queue is full.
/// An export of metrics whose pause is longer than its timeout fails. A service that shuts down
/// does not wait: it makes one more attempt.
///
/// A request has at most 4 MiB, which receivers accept by default. After HTTP 413, or the error of gRPC for large
/// messages, its spans are sent in halves. Long strings of a span that is larger than a request are truncated.
#[derive(Clone, Default)]
#[must_use = "nothing is sent before it is passed to TelemetryBuilder::otlp"]
pub struct Otlp {
    pub(super) protocol: Option<Protocol>,
    pub(super) endpoint: Option<(&'static str, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) timeout: Option<Duration>,
    pub(super) compression: Option<Compression>,
    pub(super) ca_certificate: Option<Vec<u8>>,
    pub(super) client_certificate: Option<[Vec<u8>; 2]>,
    pub(super) http_client: Option<reqwest::Client>,
}

impl Otlp {
    /// Exports over gRPC, by default to `http://localhost:4317`.
    pub fn grpc() -> Self {
        Self { protocol: Some(Protocol::Grpc), ..Self::default() }
    }

    /// Exports over HTTP as protobuf, by default to `http://localhost:4318`.
    pub fn http_protobuf() -> Self {
        Self { protocol: Some(Protocol::HttpProtobuf), ..Self::default() }
    }

    /// Exports over HTTP as JSON, by default to `http://localhost:4318`.
    pub fn http_json() -> Self {
        Self { protocol: Some(Protocol::HttpJson), ..Self::default() }
    }

    pub(crate) fn at(setting: &'static str, url: String) -> Self {
        Self { endpoint: Some((setting, url)), ..Self::default() }
    }

    /// Sets the URL of the collector. Over HTTP `/v1/traces` and `/v1/metrics` are appended; over
    /// gRPC it has no path.
    pub fn endpoint(self, url: impl Into<String>) -> Self {
        Self { endpoint: Some(("Otlp::endpoint()", url.into())), ..self }
    }

    /// Adds a header, or metadata of gRPC, to each export. It replaces the header of this name in
    /// `OTEL_EXPORTER_OTLP_HEADERS`. The other headers of the variable are sent as well.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Limits the time of an export with all its attempts, without the pauses that a collector requires. The default is 10
    /// seconds; zero means no limit.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// Compresses requests. By default they are not compressed.
    pub fn compression(self, compression: Compression) -> Self {
        Self { compression: Some(compression), ..self }
    }

    /// Sends requests with this client, which has its own proxies, redirects and certificates. Not
    /// available over gRPC. Certificates in code or in the environment are refused beside it.
    ///
    /// Use the client for nothing else, because its connections belong to the runtime that opened
    /// them. An instrumented client would trace the export of traces.
    pub fn http_client(self, client: reqwest::Client) -> Self {
        Self { http_client: Some(client), ..self }
    }

    pub(super) fn has_certificates(&self) -> bool {
        self.certificates().next().is_some()
    }

    /// Returns the certificates and the key, with the names of their setters.
    pub(super) fn certificates(&self) -> impl Iterator<Item = (&'static str, &[u8])> {
        let ca = self.ca_certificate.iter().map(|pem| ("Otlp::ca_certificate()", &**pem));
        let client = self.client_certificate.iter().flatten();
        ca.chain(client.map(|pem| ("Otlp::client_certificate()", &**pem)))
    }
}

impl fmt::Debug for Otlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Otlp")
            .field("protocol", &self.protocol)
            .field("headers", &headers)
            .field("timeout", &self.timeout)
            .field("compression", &self.compression)
            .finish_non_exhaustive()
    }
}
