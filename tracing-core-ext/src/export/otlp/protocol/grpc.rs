use std::time::Duration;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use percent_encoding::percent_decode;
use prost::Message;

use super::response::{ExportResponse, RpcStatusProto, failure};
use crate::export::transport::{
    response::{HttpResponse, printable},
    retry::ExportError,
};

/// Size of the prefix of each message: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// "Implementations MUST accept padded and un-padded values": gRPC over HTTP/2, "Custom-Metadata".
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Encodes the body of a unary call: gRPC over HTTP/2, "Length-Prefixed-Message".
pub(in crate::export::otlp) fn framed(message: &[u8], is_compressed: bool) -> Option<Bytes> {
    let length = u32::try_from(message.len()).ok()?;
    let mut frame = Vec::with_capacity(PREFIX_BYTES + message.len());
    frame.push(u8::from(is_compressed));
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(message);
    Some(frame.into())
}

/// Returns the result of a call. The status is in the trailers, or in the headers of a response
/// without a message.
pub(crate) fn parse_response(mut received: HttpResponse) -> Result<ExportResponse, ExportError> {
    if received.status != StatusCode::OK {
        return Err(failure(&received));
    }
    let in_trailers = Status::of(&received.trailers);
    match in_trailers.or_else(|| Status::of(&received.headers)) {
        Some(Status { code: 0, .. }) => Ok(answer(&received.body)),
        Some(status) => Err(status.failure()),
        None => Err(received.truncated.take().unwrap_or_else(|| {
            ExportError::Permanent("not a gRPC response: it has no grpc-status".to_owned())
        })),
    }
}

/// Parses the message, which is not compressed because the request accepts no encoding.
fn answer(body: &Bytes) -> ExportResponse {
    match body.first() {
        Some(0) if body.len() > PREFIX_BYTES => {
            ExportResponse::from_protobuf(body.slice(PREFIX_BYTES..))
        }
        _ => ExportResponse::default(),
    }
}

/// Status of a call.
#[derive(Debug)]
struct Status {
    code: u32,
    message: String,
    /// Whether the message, which is longer than what is quoted of it, is about the size of the request.
    is_about_size: bool,
    retry: Option<Duration>,
}

impl Status {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let code = headers.get("grpc-status")?.to_str().ok()?;
        // Rust also accepts a sign.
        let code =
            code.parse().ok().filter(|_| code.starts_with(|char: char| char.is_ascii_digit()))?;
        let message = headers.get("grpc-message").map_or(&[][..], |value| value.as_bytes());
        let message = percent_decode(message).decode_utf8_lossy();
        let is_about_size = is_about_size(&message);
        let retry = retry_delay(headers);
        Some(Self { code, message: printable(&message), is_about_size, retry })
    }

    /// OTLP specification, "OTLP/gRPC Response": `RESOURCE_EXHAUSTED` can be retried "only if the
    /// server signals that the recovery is possible", with `RetryInfo`.
    fn failure(self) -> ExportError {
        let reason = match self.message.is_empty() {
            true => format!("gRPC {}", name(self.code)),
            false => format!("gRPC {}: {}", name(self.code), self.message),
        };
        match self.code {
            8 | 11 if self.retry.is_none() && self.is_about_size => ExportError::TooLarge(reason),
            8 if self.retry.is_none() => ExportError::Permanent(reason),
            1 | 4 | 8 | 10 | 11 | 14 | 15 => ExportError::Retryable { reason, wait: self.retry },
            _ => ExportError::Permanent(reason),
        }
    }
}

/// Whether a message reports that a request is too large, in the words of the implementations of
/// gRPC in Go and C++, in Java, or in Rust.
fn is_about_size(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["message larger than max", "message exceeds maximum size", "message length too large"]
        .iter()
        .any(|part| message.contains(part))
}

/// Returns the delay in `RetryInfo` among the details of the status.
fn retry_delay(headers: &HeaderMap) -> Option<Duration> {
    let details = headers.get("grpc-status-details-bin")?;
    let status = RpcStatusProto::decode(&*BASE64.decode(details).ok()?).ok()?;
    let info = status.details.into_iter().find(|detail| detail.type_url == RETRY_INFO)?;
    let delay = RetryInfo::decode(&*info.value).ok()?.retry_delay.unwrap_or_default();
    let seconds = Duration::from_secs(u64::try_from(delay.seconds).ok()?);
    seconds.checked_add(Duration::from_nanos(u64::try_from(delay.nanos).ok()?))
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<ProtoDuration>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, PartialEq, Message)]
struct ProtoDuration {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

fn name(code: u32) -> &'static str {
    match code {
        1 => "CANCELLED",
        3 => "INVALID_ARGUMENT",
        4 => "DEADLINE_EXCEEDED",
        5 => "NOT_FOUND",
        6 => "ALREADY_EXISTS",
        7 => "PERMISSION_DENIED",
        8 => "RESOURCE_EXHAUSTED",
        9 => "FAILED_PRECONDITION",
        10 => "ABORTED",
        11 => "OUT_OF_RANGE",
        12 => "UNIMPLEMENTED",
        13 => "INTERNAL",
        14 => "UNAVAILABLE",
        15 => "DATA_LOSS",
        16 => "UNAUTHENTICATED",
        _ => "UNKNOWN",
    }
}

#[cfg(test)]
pub(in crate::export::otlp) mod tests {
    use http::HeaderValue;

    use super::super::response::Any;
    use super::*;

    /// Encodes details of a status that require a delay.
    pub(crate) fn after(seconds: i64, nanos: i32) -> Bytes {
        let info = RetryInfo { retry_delay: Some(ProtoDuration { seconds, nanos }) };
        let detail = Any { type_url: RETRY_INFO.to_owned(), value: info.encode_to_vec() };
        RpcStatusProto { message: String::new(), details: vec![detail] }.encode_to_vec().into()
    }

    fn ended(code: u32, details: Option<Bytes>) -> ExportError {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from(code));
        trailers.insert("grpc-message", HeaderValue::from_static("too%20busy%0A%FF"));
        if let Some(details) = details {
            let text = BASE64.encode(details);
            trailers.insert("grpc-status-details-bin", text.parse().unwrap());
        }
        Status::of(&trailers).unwrap().failure()
    }

    #[test]
    fn the_codes_of_the_specification_are_retryable() {
        for code in 1..18 {
            let is_temporary =
                matches!(ended(code, None), ExportError::Retryable { wait: None, .. });
            assert_eq!(is_temporary, [1, 4, 10, 11, 14, 15].contains(&code), "{code}");
        }
    }

    #[test]
    fn resource_exhausted_is_retryable_only_with_a_delay_of_the_collector() {
        let reason = "gRPC RESOURCE_EXHAUSTED: too busy\\u{a}\u{fffd}".to_owned();
        assert_eq!(ended(8, None), ExportError::Permanent(reason.clone()));
        let wait = Some(Duration::from_millis(1_500));
        let again = ended(8, Some(after(1, 500_000_000)));
        assert_eq!(again, ExportError::Retryable { reason, wait });
    }

    #[test]
    fn a_message_about_the_size_is_recognised_behind_other_text() {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static("8"));
        let message = format!("{}: message larger than max", "upstream ".repeat(40));
        trailers.insert("grpc-message", message.parse().unwrap());
        let failure = Status::of(&trailers).unwrap().failure();
        assert!(matches!(failure, ExportError::TooLarge(_)), "{failure:?}");
    }

    #[test]
    fn a_status_is_digits() {
        for status in ["+0", "-0", "0x0", "", "4294967296"] {
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", status.parse().unwrap());
            assert!(Status::of(&trailers).is_none(), "{status}");
        }
    }

    #[test]
    fn an_invalid_delay_is_ignored() {
        for (seconds, nanos) in [(-1, 0), (1, -1)] {
            let failure = ended(14, Some(after(seconds, nanos)));
            assert!(matches!(failure, ExportError::Retryable { wait: None, .. }), "{failure:?}");
        }
    }

    #[test]
    fn a_truncated_message_rejects_nothing() {
        for body in [&[][..], &[0], &[0, 0, 0, 0, 9], &[1, 0, 0, 0, 1, 7], &[0, 0, 0, 0, 1, 0xff]] {
            assert_eq!(answer(&Bytes::copy_from_slice(body)), ExportResponse::default());
        }
    }
}
