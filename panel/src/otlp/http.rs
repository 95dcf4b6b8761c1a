//! Receiver of OTLP over HTTP.

use std::io::Read;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use flate2::read::MultiGzDecoder;
use opentelemetry_proto::tonic::collector::{
    logs::v1::{ExportLogsPartialSuccess, ExportLogsServiceResponse},
    metrics::v1::{ExportMetricsPartialSuccess, ExportMetricsServiceResponse},
    trace::v1::{ExportTracePartialSuccess, ExportTraceServiceResponse},
};
use prost::Message;
use serde::{Serialize, de::DeserializeOwned};

use super::intake::{FORWARDED, Intake, Rejected};
use crate::store::Signal;

/// Maximum length of a request body, in bytes, before and after decompression.
pub const MOST_BODY_BYTES: usize = 32 << 20;
const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// Body, or the reason why it cannot be read.
type Body = Result<Bytes, BytesRejection>;

/// Returns the routes `/v1/traces`, `/v1/logs` and `/v1/metrics`.
pub fn http_routes(intake: Intake) -> Router {
    Router::new()
        .route("/v1/traces", post(traces))
        .route("/v1/logs", post(logs))
        .route("/v1/metrics", post(metrics))
        .layer(DefaultBodyLimit::max(MOST_BODY_BYTES))
        .with_state(intake)
}

async fn traces(State(intake): State<Intake>, headers: HeaderMap, body: Body) -> Response {
    receive(&intake, &headers, body, Signal::Traces, Intake::add_traces, |rejected| {
        ExportTraceServiceResponse {
            partial_success: rejected.map(|(rejected_spans, error_message)| {
                ExportTracePartialSuccess { rejected_spans, error_message }
            }),
        }
    })
}

async fn logs(State(intake): State<Intake>, headers: HeaderMap, body: Body) -> Response {
    receive(&intake, &headers, body, Signal::Logs, Intake::add_logs, |rejected| {
        ExportLogsServiceResponse {
            partial_success: rejected.map(|(rejected_log_records, error_message)| {
                ExportLogsPartialSuccess { rejected_log_records, error_message }
            }),
        }
    })
}

async fn metrics(State(intake): State<Intake>, headers: HeaderMap, body: Body) -> Response {
    receive(&intake, &headers, body, Signal::Metrics, Intake::add_metrics, |rejected| {
        ExportMetricsServiceResponse {
            partial_success: rejected.map(|(rejected_data_points, error_message)| {
                ExportMetricsPartialSuccess { rejected_data_points, error_message }
            }),
        }
    })
}

/// Encoding of a body. The response has the same encoding.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Protobuf,
    Json,
}

fn receive<Request, Answer>(
    intake: &Intake,
    headers: &HeaderMap,
    body: Body,
    signal: Signal,
    add: impl FnOnce(&Intake, Request) -> Rejected,
    answer: impl FnOnce(Option<(i64, String)>) -> Answer,
) -> Response
where
    Request: Message + Default + DeserializeOwned,
    Answer: Message + Serialize,
{
    let request = body.map_err(|error| Refusal::new(error.status(), error.body_text()));
    let request = request.and_then(|body| decode(headers, &body));
    let encoding = encoding(headers).unwrap_or(Encoding::Protobuf);
    match request {
        Ok(request) => {
            let rejected = match headers.contains_key(FORWARDED) {
                true => add(&intake.without_forward(), request),
                false => add(intake, request),
            };
            let part =
                (rejected.count > 0).then(|| (rejected.count as i64, rejected.reason.to_owned()));
            respond(StatusCode::OK, encoding, &answer(part))
        }
        Err(refusal) => {
            intake.store.counters().of(signal).add_malformed();
            respond(refusal.status, encoding, &RpcStatus { message: refusal.message })
        }
    }
}

struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, Refusal> {
    let content_type = text(headers, header::CONTENT_TYPE);
    match content_type.split(';').next().unwrap_or("").trim() {
        media if media.eq_ignore_ascii_case(PROTOBUF) => Ok(Encoding::Protobuf),
        media if media.eq_ignore_ascii_case(JSON) => Ok(Encoding::Json),
        _ => {
            let expected = "the content type must be application/x-protobuf or application/json";
            Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, expected))
        }
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

fn decode<Request>(headers: &HeaderMap, body: &Bytes) -> Result<Request, Refusal>
where
    Request: Message + Default + DeserializeOwned,
{
    let encoding = encoding(headers)?;
    let body = decompress(headers, body)?;
    let invalid = |message: String| Refusal::new(StatusCode::BAD_REQUEST, message);
    match encoding {
        Encoding::Protobuf => Request::decode(body).map_err(|error| invalid(error.to_string())),
        Encoding::Json => serde_json::from_slice(&body).map_err(|error| invalid(error.to_string())),
    }
}

fn decompress(headers: &HeaderMap, body: &Bytes) -> Result<Bytes, Refusal> {
    match text(headers, header::CONTENT_ENCODING) {
        "" | "identity" => Ok(body.clone()),
        "gzip" => gunzip(body),
        _ => {
            let expected = "the content encoding must be gzip or identity";
            Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, expected))
        }
    }
}

fn gunzip(body: &Bytes) -> Result<Bytes, Refusal> {
    let mut decompressed = Vec::new();
    let mut decoder = MultiGzDecoder::new(&**body).take(MOST_BODY_BYTES as u64 + 1);
    let result = decoder.read_to_end(&mut decompressed);
    result.map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, format!("gzip: {error}")))?;
    if decompressed.len() > MOST_BODY_BYTES {
        let message = format!("a request has at most {MOST_BODY_BYTES} bytes");
        return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, message));
    }
    Ok(decompressed.into())
}

fn respond(
    status: StatusCode,
    encoding: Encoding,
    answer: &(impl Message + Serialize),
) -> Response {
    match encoding {
        Encoding::Json => (status, Json(answer)).into_response(),
        Encoding::Protobuf => {
            (status, [(header::CONTENT_TYPE, PROTOBUF)], answer.encode_to_vec()).into_response()
        }
    }
}

/// Part of `google.rpc.Status` that exporters use.
#[derive(Clone, PartialEq, Message, Serialize)]
struct RpcStatus {
    #[prost(string, tag = "2")]
    message: String,
}
