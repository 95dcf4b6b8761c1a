//! gRPC attributes of the semantic conventions.
//!
//! <https://opentelemetry.io/docs/specs/semconv/rpc/grpc/>

use std::time::Duration;

use http::HeaderName;

use super::{facts::Facts, names};
use crate::propagation::Headers;

/// Names of the status codes, by number: gRPC core, "Status codes and their use in gRPC".
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

static GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

const OK: RpcStatus = RpcStatus(0);
const UNKNOWN: u8 = 2;
const PERMISSION_DENIED: RpcStatus = RpcStatus(7);
const UNIMPLEMENTED: RpcStatus = RpcStatus(12);
const INTERNAL: RpcStatus = RpcStatus(13);
const UNAVAILABLE: RpcStatus = RpcStatus(14);
const UNAUTHENTICATED: RpcStatus = RpcStatus(16);

/// Names of the codes that are errors of the server.
const SERVER_ERRORS: [&str; 6] =
    ["UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"];

/// Status of a call, from the field `grpc-status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RpcStatus(u8);

/// A request that claims to be a gRPC call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GrpcCall<'a> {
    pub(crate) path: &'a str,
    /// Time limit of the caller.
    pub(crate) timeout: Option<Duration>,
}

impl<'a> GrpcCall<'a> {
    pub(crate) fn new(path: &'a str, headers: &impl Headers) -> Self {
        let timeout = headers.values(&GRPC_TIMEOUT).next().and_then(parse_timeout);
        Self { path, timeout }
    }
}

impl RpcStatus {
    pub(crate) const CANCELLED: Self = Self(1);
    /// Status of a call whose handler panics: "application throws an exception".
    pub(crate) const UNKNOWN: Self = Self(UNKNOWN);
    pub(crate) const DEADLINE_EXCEEDED: Self = Self(4);

    /// Parses the status of gRPC over HTTP/2:
    ///
    /// ```abnf
    /// Status = "grpc-status" 1*DIGIT    ; 0-9
    /// ```
    ///
    /// A number without a name is `UNKNOWN`.
    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let number = str::from_utf8(value).ok()?.parse().ok();
        let named = number.filter(|number| usize::from(*number) < CODES.len());
        Some(Self(named.unwrap_or(UNKNOWN)))
    }

    /// Returns the status of a call whose response is not one of gRPC: gRPC, "HTTP to gRPC Status Code Mapping".
    pub(crate) const fn of_http(status: u16) -> Self {
        match status {
            400 => INTERNAL,
            401 => UNAUTHENTICATED,
            403 => PERMISSION_DENIED,
            404 => UNIMPLEMENTED,
            429 | 502 | 503 | 504 => UNAVAILABLE,
            _ => Self::UNKNOWN,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        CODES[self.0 as usize]
    }

    /// Whether the status means that the server may lack the method.
    pub(crate) fn is_unimplemented(self) -> bool {
        self == UNIMPLEMENTED
    }

    /// Whether the status is an error ("Recording errors"): every code but `OK` for a client, the server's failures for
    /// a server.
    pub(crate) fn is_error(self, is_server: bool) -> bool {
        if is_server { SERVER_ERRORS.contains(&self.as_str()) } else { self != OK }
    }
}

/// Protocols that carry gRPC over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GrpcProtocol {
    /// gRPC over HTTP/2: the status is a trailer.
    Http2,
    /// gRPC-Web: the status is in the last frame of the body.
    Web,
    /// gRPC-Web with a body in Base64.
    WebText,
}

impl GrpcProtocol {
    /// Parses the content type of gRPC over HTTP/2, and of gRPC-Web:
    ///
    /// ```abnf
    /// Content-Type = "content-type" "application/grpc" ["-web" / "-web-text"] [("+proto" / "+json" / {custom})]
    /// ```
    pub(crate) fn from_content_type(content_type: &[u8]) -> Option<Self> {
        let rest = content_type.strip_prefix(b"application/grpc")?;
        let (protocol, rest) = match rest {
            [b'-', b'w', b'e', b'b', b'-', b't', b'e', b'x', b't', rest @ ..] => {
                (Self::WebText, rest)
            }
            [b'-', b'w', b'e', b'b', rest @ ..] => (Self::Web, rest),
            rest => (Self::Http2, rest),
        };
        matches!(rest, [] | [b'+' | b';', ..]).then_some(protocol)
    }
}

pub(crate) fn is_grpc(content_type: &[u8]) -> bool {
    GrpcProtocol::from_content_type(content_type).is_some()
}

/// Parses the time limit of gRPC over HTTP/2:
///
/// ```abnf
/// Timeout      = "grpc-timeout" TimeoutValue TimeoutUnit
/// TimeoutValue = 1*8DIGIT
/// TimeoutUnit  = "H" / "M" / "S" / "m" / "u" / "n"
/// ```
fn parse_timeout(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    if !(1..=8).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let count = str::from_utf8(digits).ok()?.parse().ok()?;
    Some(match unit {
        b'H' => Duration::from_secs(count * 3600),
        b'M' => Duration::from_secs(count * 60),
        b'S' => Duration::from_secs(count),
        b'm' => Duration::from_millis(count),
        b'u' => Duration::from_micros(count),
        b'n' => Duration::from_nanos(count),
        _ => return None,
    })
}

/// Returns the status in a chunk of a gRPC-Web body, if the chunk is or ends with the frame of the trailers.
///
/// gRPC-Web: "Trailers must be the last message of the response, as enforced by the implementation", in a frame whose
/// first bit is set: one byte of flags, four of length, then fields as in HTTP/1.
pub(crate) fn web_status(protocol: GrpcProtocol, chunk: &[u8]) -> Option<RpcStatus> {
    match protocol {
        GrpcProtocol::Http2 => None,
        GrpcProtocol::Web => status_in_frames(chunk),
        GrpcProtocol::WebText => status_in_frames(&decode_base64(chunk)?),
    }
}

/// Searches the frames of a chunk. A chunk starts with a frame, because `tonic-web` and other servers write each frame
/// as a whole.
fn status_in_frames(mut frames: &[u8]) -> Option<RpcStatus> {
    loop {
        let (&[flags, length @ ..], rest) = frames.split_first_chunk::<5>()?;
        let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
        if flags & 0x80 != 0 {
            return status_in_fields(rest.get(..length)?);
        }
        frames = rest.get(length..)?;
    }
}

fn status_in_fields(fields: &[u8]) -> Option<RpcStatus> {
    fields.split(|&byte| byte == b'\n').find_map(|line| {
        let colon = line.iter().position(|&byte| byte == b':')?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        let is_status = name.trim_ascii().eq_ignore_ascii_case(b"grpc-status");
        is_status.then(|| RpcStatus::parse(value.trim_ascii()))?
    })
}

/// Maximum number of bytes of a chunk in which trailers are searched for.
const MAX_DECODED: usize = 8192;

/// Decodes Base64 (RFC 4648, section 4). Padded parts may follow each other, because every frame is encoded alone.
fn decode_base64(text: &[u8]) -> Option<Vec<u8>> {
    if text.len() > MAX_DECODED {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for quad in text.chunks_exact(4) {
        let padding = quad.iter().filter(|&&byte| byte == b'=').count();
        let mut digits = quad.iter().map(|&byte| if byte == b'=' { Some(0) } else { digit(byte) });
        let bits = digits.try_fold(0_u32, |bits, digit| Some(bits << 6 | digit?))?;
        let [_, decoded @ ..] = bits.to_be_bytes();
        bytes.extend_from_slice(decoded.get(..3_usize.checked_sub(padding)?)?);
    }
    Some(bytes)
}

fn digit(byte: u8) -> Option<u32> {
    let digit = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(digit.into())
}

/// Adds the attributes of the path of a call, and returns the name of the span.
///
/// ```abnf
/// Path = ":path" "/" Service-Name "/" {method name}
/// ```
pub(crate) fn push_grpc_method<'a>(path: &'a str, facts: &mut Facts) -> &'a str {
    facts.literal(names::RPC_SYSTEM_NAME, "grpc");
    match method(path) {
        Some(method) => {
            facts.text(names::RPC_METHOD, method);
            method
        }
        None => "grpc",
    }
}

/// Returns the method that a path names.
pub(crate) fn method(path: &str) -> Option<&str> {
    let full = path.strip_prefix('/')?;
    let (service, method) = full.split_once('/')?;
    (!service.is_empty() && !method.is_empty() && !method.contains('/')).then_some(full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_a_name() {
        let name = |number: &str| RpcStatus::parse(number.as_bytes()).map(RpcStatus::as_str);
        assert_eq!(name("0"), Some("OK"));
        assert_eq!(name("16"), Some("UNAUTHENTICATED"));
        for unnamed in ["17", "256", "99999999999999999999999"] {
            assert_eq!(name(unnamed), Some("UNKNOWN"));
        }
    }

    #[test]
    fn what_is_no_number_is_no_status() {
        for wrong in ["", "+1", "-1", "OK", "1 "] {
            assert_eq!(RpcStatus::parse(wrong.as_bytes()), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_mistake_of_the_caller_is_no_error_of_the_server() {
        let not_found = RpcStatus::parse(b"5").unwrap();
        assert!(!not_found.is_error(true));
        assert!(not_found.is_error(false));
        assert!(RpcStatus::parse(b"13").unwrap().is_error(true));
        assert!(!RpcStatus::parse(b"0").unwrap().is_error(false));
    }

    #[test]
    fn the_content_type_tells() {
        for grpc in ["application/grpc", "application/grpc+proto", "application/grpc;a=b"] {
            assert!(is_grpc(grpc.as_bytes()), "{grpc}");
        }
        for (content_type, protocol) in [
            ("application/grpc-web", GrpcProtocol::Web),
            ("application/grpc-web+proto", GrpcProtocol::Web),
            ("application/grpc-web-text", GrpcProtocol::WebText),
            ("application/grpc-web-text+proto", GrpcProtocol::WebText),
        ] {
            let parsed = GrpcProtocol::from_content_type(content_type.as_bytes());
            assert_eq!(parsed, Some(protocol), "{content_type}");
        }
        for other in ["application/grpc-webs", "application/grpcs", "application/json", ""] {
            assert!(!is_grpc(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn a_timeout_is_a_number_and_a_unit() {
        for (text, expected) in [
            ("1H", Duration::from_secs(3600)),
            ("2M", Duration::from_secs(120)),
            ("3S", Duration::from_secs(3)),
            ("50m", Duration::from_millis(50)),
            ("4u", Duration::from_micros(4)),
            ("99999999n", Duration::from_nanos(99_999_999)),
        ] {
            assert_eq!(parse_timeout(text.as_bytes()), Some(expected), "{text}");
        }
        for wrong in ["", "m", "1", "1h", "-1S", "123456789n", "1 S"] {
            assert_eq!(parse_timeout(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn the_status_of_grpc_web_is_in_the_last_frame() {
        let trailers = b"\x80\0\0\0\x11grpc-status: 13\r\n".as_slice();
        let message = b"\0\0\0\0\x02ab".as_slice();
        let status = |chunk: &[u8]| web_status(GrpcProtocol::Web, chunk).map(RpcStatus::as_str);
        assert_eq!(status(trailers), Some("INTERNAL"));
        assert_eq!(status(&[message, trailers].concat()), Some("INTERNAL"));
        for other in [message, &trailers[..20], &[], b"\x80", b"\x80\xff\xff\xff\xffgrpc-status:0"]
        {
            assert_eq!(status(other), None, "{other:?}");
        }
        // Both frames in Base64, one by one.
        let text = b"AAAAAAJhYg==gAAAABFncnBjLXN0YXR1czogMTMNCg==";
        let status = |text: &[u8]| web_status(GrpcProtocol::WebText, text).map(RpcStatus::as_str);
        assert_eq!(status(text), Some("INTERNAL"));
        assert_eq!(status(b"AAAA*AJhYg=="), None);
    }

    #[test]
    fn a_path_names_service_and_method() {
        assert_eq!(method("/shop.Stock/Count"), Some("shop.Stock/Count"));
        for wrong in ["", "/", "/a", "/a/", "//b", "/a/b/c", "a/b"] {
            assert_eq!(method(wrong), None, "{wrong:?}");
        }
    }
}
