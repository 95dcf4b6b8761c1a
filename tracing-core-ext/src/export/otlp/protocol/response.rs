use bytes::Bytes;
use http::{HeaderMap, header::CONTENT_TYPE};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use serde_json::Value;

use crate::export::transport::{
    response::{HttpResponse, printable},
    retry::ExportError,
};

/// Content of a successful response of a collector.
///
/// "If the request is only partially accepted \[…\] the server MUST set `partial_success`; servers MAY also use it to
/// convey warnings or suggestions when the request was fully accepted": OTLP specification, "Partial Success".
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ExportResponse {
    pub(crate) rejected: u64,
    message: String,
}

impl ExportResponse {
    /// A response that cannot be parsed accepts everything, because the status is a success.
    pub(in crate::export::otlp) fn from_http(headers: &HeaderMap, body: &Bytes) -> Self {
        match media_type(headers) {
            _ if is_json(headers) => Self::from_json(body).unwrap_or_default(),
            Some(_) if !is_protobuf(headers) => Self::default(),
            _ => Self::from_protobuf(body.clone()),
        }
    }

    /// Parses the response of any signal: their fields have the same types and numbers.
    pub(in crate::export::otlp) fn from_protobuf(body: Bytes) -> Self {
        let answer = ExportTraceServiceResponse::decode(body).ok();
        let partial = answer.and_then(|answer| answer.partial_success).unwrap_or_default();
        Self::new(partial.rejected_spans, &partial.error_message)
    }

    /// "64-bit integer numbers in JSON-encoded payloads are encoded as decimal strings, and either numbers or strings are
    /// accepted when decoding": OTLP specification, "JSON Protobuf Encoding".
    fn from_json(body: &Bytes) -> Option<Self> {
        let answer: Value = serde_json::from_slice(body).ok()?;
        let partial = answer.get("partialSuccess")?;
        let rejected = ["rejectedSpans", "rejectedDataPoints", "rejectedLogRecords"];
        let rejected = rejected.into_iter().find_map(|member| partial.get(member));
        let rejected = rejected.and_then(|rejected| match rejected {
            Value::String(text) => text.parse().ok(),
            number => number.as_i64(),
        });
        let message = partial.get("errorMessage").and_then(Value::as_str);
        Some(Self::new(rejected.unwrap_or(0), message.unwrap_or_default()))
    }

    fn new(rejected: i64, message: &str) -> Self {
        Self { rejected: u64::try_from(rejected).unwrap_or(0), message: printable(message) }
    }

    pub(crate) fn rejection_message(&self) -> String {
        match self.message.is_empty() {
            true => "rejected by the collector".to_owned(),
            false => format!("rejected by the collector: {}", self.message),
        }
    }

    /// Returns the message of a collector that has accepted everything.
    pub(crate) fn warning(&self) -> Option<&str> {
        (self.rejected == 0 && !self.message.is_empty()).then_some(&self.message)
    }
}

/// Returns the result of an export over HTTP.
pub(crate) fn parse_response(received: &HttpResponse) -> Result<ExportResponse, ExportError> {
    if !received.status.is_success() {
        return Err(failure(received));
    }
    match media_type(&received.headers).filter(|found| is_page(received, found)) {
        Some(page) => {
            Err(ExportError::Permanent(format!("answered {}, not OTLP", printable(page))))
        }
        None => Ok(ExportResponse::from_http(&received.headers, &received.body)),
    }
}

/// Whether the response is a web page. Some servers send one for every request, and ignore the
/// spans.
fn is_page(received: &HttpResponse, media_type: &str) -> bool {
    !received.body.is_empty() && media_type.eq_ignore_ascii_case("text/html")
}

pub(in crate::export::otlp) fn failure(received: &HttpResponse) -> ExportError {
    let message = failure_message(&received.headers, &received.body);
    received.failure(message.as_deref())
}

/// Returns the message in the `Status` of a failed response: OTLP specification, "Failures".
fn failure_message(headers: &HeaderMap, body: &Bytes) -> Option<String> {
    let message = match is_json(headers) {
        true => serde_json::from_slice::<Value>(body).ok()?.get("message")?.as_str()?.to_owned(),
        false if is_protobuf(headers) => RpcStatusProto::decode(body.clone()).ok()?.message,
        false => return None,
    };
    Some(message)
}

/// Fields of `google.rpc.Status` that are used.
#[derive(Clone, PartialEq, Message)]
pub(in crate::export::otlp) struct RpcStatusProto {
    #[prost(string, tag = "2")]
    pub(in crate::export::otlp) message: String,
    #[prost(message, repeated, tag = "3")]
    pub(in crate::export::otlp) details: Vec<Any>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, Message)]
pub(in crate::export::otlp) struct Any {
    #[prost(string, tag = "1")]
    pub(in crate::export::otlp) type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(in crate::export::otlp) value: Vec<u8>,
}

fn is_json(headers: &HeaderMap) -> bool {
    is(headers, &["application/json"])
}

fn is_protobuf(headers: &HeaderMap) -> bool {
    is(headers, &["application/x-protobuf", "application/protobuf"])
}

fn is(headers: &HeaderMap, media_types: &[&str]) -> bool {
    let found = media_type(headers).unwrap_or_default();
    media_types.iter().any(|media_type| found.eq_ignore_ascii_case(media_type))
}

fn media_type(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    value.split(';').next().map(str::trim).filter(|found| !found.is_empty())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn json(body: &'static str) -> ExportResponse {
        let headers = [(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"))];
        ExportResponse::from_http(
            &headers.into_iter().collect(),
            &Bytes::from_static(body.as_bytes()),
        )
    }

    #[test]
    fn a_rejection_in_json_is_a_number_or_a_string() {
        for body in [
            r#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"too\nold"}}"#,
            r#"{"partialSuccess":{"rejectedSpans":2,"errorMessage":"too\nold"}}"#,
            r#"{"partialSuccess":{"rejectedDataPoints":"2","errorMessage":"too\nold"}}"#,
            r#"{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"too\nold"}}"#,
        ] {
            let answer = json(body);
            assert_eq!(answer.rejected, 2);
            assert_eq!(answer.rejection_message(), r"rejected by the collector: too\u{a}old");
            assert_eq!(answer.warning(), None);
        }
    }

    #[test]
    fn a_response_that_cannot_be_parsed_accepts_everything() {
        for body in ["", "{}", "[", "null", r#"{"partialSuccess":null}"#, r#"{"partialSuccess":7}"#]
        {
            assert_eq!(json(body), ExportResponse::default(), "{body}");
        }
        let binary = Bytes::from_static(&[0xff, 0xff, 0xff]);
        assert_eq!(
            ExportResponse::from_http(&HeaderMap::new(), &binary),
            ExportResponse::default()
        );
    }

    #[test]
    fn a_message_without_a_rejection_is_a_warning() {
        let answer = json(r#"{"partialSuccess":{"errorMessage":"use gzip"}}"#);
        assert_eq!((answer.rejected, answer.warning()), (0, Some("use gzip")));
    }

    #[test]
    fn a_negative_count_rejects_nothing() {
        assert_eq!(json(r#"{"partialSuccess":{"rejectedSpans":"-1"}}"#), ExportResponse::default());
    }
}
