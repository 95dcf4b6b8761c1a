//! Receives spans over OTLP/HTTP, like a collector.
//!
//! ```no_run
//! use examples::otlp_receiver::OtlpReceiver;
//!
//! # async fn receive() -> std::io::Result<()> {
//! let mut receiver = OtlpReceiver::bind("127.0.0.1:0").await?;
//! println!("export to OTEL_EXPORTER_OTLP_ENDPOINT={}", receiver.endpoint());
//! while let Some(spans) = receiver.recv().await {
//!     println!("{} spans", spans.len());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! It answers `POST /v1/traces` with a protobuf body, after the spans of the request are in the
//! channel. If the channel is full, the response is 503, and the exporter retries. Memory is
//! therefore limited by the length of the channel and the size of a body.

use std::{
    io,
    sync::Arc,
    time::{Duration, SystemTime},
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use opentelemetry::{
    KeyValue, Value,
    trace::{SpanId, SpanKind, Status, TraceId},
};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
    },
    common::v1 as common,
    trace::v1 as proto,
};
use prost::Message;
use tokio::{
    net::{TcpListener, ToSocketAddrs},
    sync::mpsc::{self, Receiver, Sender},
    task::JoinHandle,
};
use tracing_core_ext::telemetry::WaterfallSpan;

const PROTOBUF: &str = "application/x-protobuf";
const MOST_BODY_BYTES: usize = 4 << 20;
const MOST_WAITING_REQUESTS: usize = 256;

/// A running receiver. Dropping it stops it.
#[derive(Debug)]
pub struct OtlpReceiver {
    endpoint: String,
    spans: Receiver<Vec<WaterfallSpan>>,
    server: JoinHandle<()>,
}

impl OtlpReceiver {
    /// Listens on this address. Port 0 selects a free port.
    ///
    /// # Errors
    ///
    /// If it cannot listen on the address.
    pub async fn bind(address: impl ToSocketAddrs) -> io::Result<Self> {
        Self::bind_with(address, |_| {}).await
    }

    /// Listens as [`bind`](Self::bind) does, and calls `observe` with each request.
    ///
    /// # Errors
    ///
    /// If it cannot listen on the address.
    pub async fn bind_with(
        address: impl ToSocketAddrs,
        observe: impl Fn(&ExportTraceServiceRequest) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let (sender, spans) = mpsc::channel(MOST_WAITING_REQUESTS);
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router(sender, Arc::new(observe))).await;
        });
        Ok(Self { endpoint, spans, server })
    }

    /// Returns the value of `OTEL_EXPORTER_OTLP_ENDPOINT` for exporting to this receiver.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Receives the spans of the next request.
    pub async fn recv(&mut self) -> Option<Vec<WaterfallSpan>> {
        self.spans.recv().await
    }

    /// Returns the spans of a request that has already arrived.
    pub fn try_recv(&mut self) -> Option<Vec<WaterfallSpan>> {
        self.spans.try_recv().ok()
    }
}

impl Drop for OtlpReceiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

type Observer = Arc<dyn Fn(&ExportTraceServiceRequest) + Send + Sync>;

fn router(spans: Sender<Vec<WaterfallSpan>>, observe: Observer) -> Router {
    Router::new()
        .route("/v1/traces", post(receive))
        .layer(DefaultBodyLimit::max(MOST_BODY_BYTES))
        .with_state((spans, observe))
}

async fn receive(
    State((spans, observe)): State<(Sender<Vec<WaterfallSpan>>, Observer)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !is_plain_protobuf(&headers) {
        let expected = "send application/x-protobuf without content-encoding";
        return refusal(StatusCode::UNSUPPORTED_MEDIA_TYPE, expected);
    }
    let Ok(request) = ExportTraceServiceRequest::decode(body) else {
        let expected = "the body is not an ExportTraceServiceRequest";
        return refusal(StatusCode::BAD_REQUEST, expected);
    };
    observe(&request);
    let (accepted, rejected) = spans_of(request);
    match accepted.is_empty() || spans.try_send(accepted).is_ok() {
        true => acceptance(rejected),
        false => refusal(StatusCode::SERVICE_UNAVAILABLE, "too many spans are waiting"),
    }
}

fn is_plain_protobuf(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let content_type = text(header::CONTENT_TYPE).unwrap_or("");
    let media_type = content_type.split(';').next().unwrap_or("").trim();
    media_type.eq_ignore_ascii_case(PROTOBUF)
        && matches!(text(header::CONTENT_ENCODING), None | Some("identity"))
}

/// Returns the response to a request, with the number of rejected spans if there are any. "If the
/// processing of the request fails, the server MUST respond with \[…\] a Protobuf-encoded Status
/// message": OTLP specification, "Failures".
fn acceptance(rejected: i64) -> Response {
    let partial_success = (rejected > 0).then(|| ExportTracePartialSuccess {
        rejected_spans: rejected,
        error_message: "trace id and span id must be 16 and 8 bytes that are not all 0".to_owned(),
    });
    answer(StatusCode::OK, &ExportTraceServiceResponse { partial_success })
}

fn refusal(status: StatusCode, message: &str) -> Response {
    let message = message.to_owned();
    answer(status, &RpcStatus { message })
}

fn answer(status: StatusCode, message: &impl Message) -> Response {
    let headers = [(header::CONTENT_TYPE, PROTOBUF)];
    (status, headers, message.encode_to_vec()).into_response()
}

/// Fields of `google.rpc.Status` that exporters use.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(string, tag = "2")]
    message: String,
}

fn spans_of(request: ExportTraceServiceRequest) -> (Vec<WaterfallSpan>, i64) {
    let mut accepted = Vec::new();
    let mut rejected = 0;
    for resource_spans in request.resource_spans {
        let service = service_name(resource_spans.resource.map(|resource| resource.attributes));
        let scopes = resource_spans.scope_spans.into_iter();
        for span in scopes.flat_map(|scope| scope.spans) {
            match waterfall_span(&service, span) {
                Some(span) => accepted.push(span),
                None => rejected += 1,
            }
        }
    }
    (accepted, rejected)
}

fn service_name(resource: Option<Vec<common::KeyValue>>) -> String {
    let attributes = known_attributes(resource.unwrap_or_default());
    let name = attributes.into_iter().find(|attribute| attribute.key.as_str() == "service.name");
    name.map_or_else(|| "unknown_service".to_owned(), |name| name.value.as_str().into_owned())
}

fn waterfall_span(service: &str, span: proto::Span) -> Option<WaterfallSpan> {
    let kind = span.kind();
    let nanoseconds = span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano);
    let attributes = known_attributes(span.attributes);
    let waterfall_span = WaterfallSpan {
        trace_id: trace_id(&span.trace_id)?,
        span_id: span_id(&span.span_id)?,
        parent_span_id: span_id(&span.parent_span_id),
        remote_parent: is_remote(span.flags),
        service: service.to_owned(),
        name: span.name,
        kind: kind_of(kind),
        start: SystemTime::UNIX_EPOCH + Duration::from_nanos(span.start_time_unix_nano),
        duration: Duration::from_nanos(nanoseconds),
        status_code: None,
        error: None,
        details: None,
    };
    Some(waterfall_span.with_outcome(&attributes, &status_of(span.status)))
}

fn trace_id(bytes: &[u8]) -> Option<TraceId> {
    let id = TraceId::from_bytes(bytes.try_into().ok()?);
    (id != TraceId::INVALID).then_some(id)
}

fn span_id(bytes: &[u8]) -> Option<SpanId> {
    let id = SpanId::from_bytes(bytes.try_into().ok()?);
    (id != SpanId::INVALID).then_some(id)
}

fn is_remote(flags: u32) -> bool {
    let known = proto::SpanFlags::ContextHasIsRemoteMask as u32;
    let remote = proto::SpanFlags::ContextIsRemoteMask as u32;
    flags & (known | remote) == known | remote
}

fn kind_of(kind: proto::span::SpanKind) -> SpanKind {
    match kind {
        proto::span::SpanKind::Server => SpanKind::Server,
        proto::span::SpanKind::Client => SpanKind::Client,
        proto::span::SpanKind::Producer => SpanKind::Producer,
        proto::span::SpanKind::Consumer => SpanKind::Consumer,
        proto::span::SpanKind::Unspecified | proto::span::SpanKind::Internal => SpanKind::Internal,
    }
}

fn status_of(status: Option<proto::Status>) -> Status {
    let status = status.unwrap_or_default();
    match status.code() {
        proto::status::StatusCode::Unset => Status::Unset,
        proto::status::StatusCode::Ok => Status::Ok,
        proto::status::StatusCode::Error => Status::error(status.message),
    }
}

/// Returns the attributes with text or integers as values, the only ones that a waterfall shows.
fn known_attributes(attributes: Vec<common::KeyValue>) -> Vec<KeyValue> {
    let known = |attribute: common::KeyValue| {
        let value = match attribute.value?.value? {
            common::any_value::Value::StringValue(text) => Value::from(text),
            common::any_value::Value::IntValue(number) => Value::from(number),
            _ => return None,
        };
        Some(KeyValue::new(attribute.key, value))
    };
    attributes.into_iter().filter_map(known).collect()
}

#[cfg(test)]
mod tests;
