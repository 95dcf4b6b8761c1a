//! Results of exports by OTLP's specification, and by that of gRPC over HTTP/2.

use http::{HeaderMap, StatusCode};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;
use serde_json::Value;

use crate::grammar::{bytes, repeat};

/// Kind of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// With this number of refused items.
    Accepted(u64),
    Permanent,
    TooLarge,
    Retryable,
}

/// "Retryable Response Codes", and 413, after which this crate sends smaller requests. Returns `None`
/// for a success.
pub fn http_failure(status: StatusCode) -> Option<Expected> {
    match status.as_u16() {
        200..=299 => None,
        413 => Some(Expected::TooLarge),
        429 | 502 | 503 | 504 => Some(Expected::Retryable),
        _ => Some(Expected::Permanent),
    }
}

/// "OTLP/HTTP Response". A page is the answer of another server. A body of another type is no
/// message, and one without a type is protobuf.
pub fn otlp_http(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Expected {
    if let Some(failure) = http_failure(status) {
        return failure;
    }
    match media_type(headers).as_deref() {
        Some("text/html") if !body.is_empty() => Expected::Permanent,
        Some("application/json") => Expected::Accepted(rejected_in_json(body)),
        None | Some("application/x-protobuf" | "application/protobuf") => {
            Expected::Accepted(rejected_in_protobuf(body))
        }
        Some(_) => Expected::Accepted(0),
    }
}

/// "OTLP/gRPC Response". The status is in the trailers, or in the headers of a response without a
/// message; a retry after `RESOURCE_EXHAUSTED` requires `RetryInfo`, which this reference does not
/// parse: it is absent without `grpc-status-details-bin`.
pub fn otlp_grpc(
    status: StatusCode,
    headers: &HeaderMap,
    trailers: &HeaderMap,
    body: &[u8],
) -> Expected {
    if status != StatusCode::OK {
        return http_failure(status).unwrap_or(Expected::Permanent);
    }
    let Some((fields, code)) = [trailers, headers].into_iter().find_map(|fields| {
        let code = fields.get("grpc-status")?.as_bytes();
        Some((fields, delay_seconds(code).filter(|code| *code <= u32::MAX.into())?))
    }) else {
        return Expected::Permanent;
    };
    let message = fields.get("grpc-message").map_or(&[][..], |message| message.as_bytes());
    let message = percent_encoding::percent_decode(message).decode_utf8_lossy();
    let message = message.to_ascii_lowercase();
    let is_about_size = ["larger than max", "exceeds maximum size", "length too large"]
        .iter()
        .any(|part| message.contains(&format!("message {part}")));
    let has_details = fields.contains_key("grpc-status-details-bin");
    match code {
        0 => Expected::Accepted(match body {
            [0, _, _, _, _, message @ ..] if !message.is_empty() => rejected_in_protobuf(message),
            _ => 0,
        }),
        8 | 11 if has_details => retry_by_details(code, fields, is_about_size),
        8 | 11 if is_about_size => Expected::TooLarge,
        1 | 4 | 10 | 11 | 14 | 15 => Expected::Retryable,
        _ => Expected::Permanent,
    }
}

#[derive(Clone, PartialEq, Message)]
struct Detail {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

fn retry_by_details(code: u64, fields: &HeaderMap, is_about_size: bool) -> Expected {
    let details = fields["grpc-status-details-bin"].as_bytes();
    match has_retry_info(details) {
        true => Expected::Retryable,
        false if is_about_size => Expected::TooLarge,
        false if code == 11 => Expected::Retryable,
        false => Expected::Permanent,
    }
}

/// Whether the details have a delay that is not negative.
fn has_retry_info(details: &[u8]) -> bool {
    #[derive(Clone, PartialEq, Message)]
    struct RetryInfo {
        #[prost(message, optional, tag = "1")]
        delay: Option<Duration>,
    }
    #[derive(Clone, PartialEq, Message)]
    struct Duration {
        #[prost(int64, tag = "1")]
        seconds: i64,
        #[prost(int32, tag = "2")]
        nanos: i32,
    }
    let Some(decoded) = base64(details) else { return false };
    let Ok(status) = Status::decode(&*decoded) else { return false };
    let mut details = status.details.into_iter();
    let info = details.find(|it| it.kind == "type.googleapis.com/google.rpc.RetryInfo");
    let info = info.and_then(|info| RetryInfo::decode(&*info.value).ok());
    let delay = info.map(|info| info.delay.unwrap_or_default());
    delay.is_some_and(|delay| delay.seconds >= 0 && delay.nanos >= 0)
}

/// `google.rpc.Status`, whose message must be a text.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<Detail>,
}

/// RFC 4648, section 4, with or without padding.
fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let digits = text.strip_suffix(b"==").or_else(|| text.strip_suffix(b"=")).unwrap_or(text);
    let padded = text.len() - digits.len();
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for digit in digits {
        let value = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        (bits, count) = (bits << 6 | u32::from(value), count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    let fits = match digits.len() % 4 {
        0 => padded == 0,
        2 => padded == 0 || padded == 2,
        3 => padded <= 1,
        _ => false,
    };
    (fits && bits == 0).then_some(bytes)
}

/// `delay-seconds = 1*DIGIT`: RFC 9110, section 10.2.3. A number that is too large is the largest.
pub fn delay_seconds(value: &[u8]) -> Option<u64> {
    let is_number = repeat(1, usize::MAX, bytes(&[(b'0', b'9')])).matches(value);
    let value = is_number.then(|| str::from_utf8(value).expect("digits"));
    value.map(|value| value.parse().unwrap_or(u64::MAX))
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("content-type")?.to_str().ok()?;
    let media_type = value.split(';').next()?.trim().to_ascii_lowercase();
    (!media_type.is_empty()).then_some(media_type)
}

fn rejected_in_protobuf(body: &[u8]) -> u64 {
    let response = ExportTraceServiceResponse::decode(body).unwrap_or_default();
    let rejected = response.partial_success.map_or(0, |partial| partial.rejected_spans);
    u64::try_from(rejected).unwrap_or(0)
}

fn rejected_in_json(body: &[u8]) -> u64 {
    let response: Value = serde_json::from_slice(body).unwrap_or_default();
    let partial = &response["partialSuccess"];
    let members = ["rejectedSpans", "rejectedDataPoints", "rejectedLogRecords"];
    let Some(rejected) = members.iter().find_map(|member| partial.get(member)) else { return 0 };
    let rejected = match rejected {
        Value::String(text) => text.parse::<i64>().unwrap_or(0),
        number => number.as_i64().unwrap_or(0),
    };
    u64::try_from(rejected).unwrap_or(0)
}
