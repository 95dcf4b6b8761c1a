//! gRPC as the semantic conventions see it.
//!
//! <https://opentelemetry.io/docs/specs/semconv/rpc/grpc/>

use super::{facts::Facts, names};

/// The names of the status codes, by number: gRPC core, "Status codes and their use in gRPC".
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

const OK: RpcStatus = RpcStatus(0);
const UNKNOWN: u8 = 2;
const UNIMPLEMENTED: RpcStatus = RpcStatus(12);

/// Those for which the server is to blame.
const SERVER_ERRORS: [&str; 6] =
    ["UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"];

/// The status of a call, from the field `grpc-status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RpcStatus(u8);

impl RpcStatus {
    /// gRPC over HTTP/2:
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

    pub(crate) const fn as_str(self) -> &'static str {
        CODES[self.0 as usize]
    }

    /// Whether the server may not even know the method.
    pub(crate) fn is_unimplemented(self) -> bool {
        self == UNIMPLEMENTED
    }

    /// "Recording errors": everything but `OK` for a caller, what is the server's fault for a server.
    pub(crate) fn is_error(self, is_server: bool) -> bool {
        if is_server { SERVER_ERRORS.contains(&self.as_str()) } else { self != OK }
    }
}

/// gRPC over HTTP/2:
///
/// ```abnf
/// Content-Type = "content-type" "application/grpc" [("+proto" / "+json" / {custom})]
/// ```
pub(crate) fn is_grpc(content_type: &[u8]) -> bool {
    let rest = content_type.strip_prefix(b"application/grpc");
    rest.is_some_and(|rest| matches!(rest, [] | [b'+' | b';', ..]))
}

/// Adds what the path of a call contains, and returns the name of the span.
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

/// The method that a path names.
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
        for other in ["application/grpc-web", "application/json", ""] {
            assert!(!is_grpc(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn a_path_names_service_and_method() {
        assert_eq!(method("/shop.Stock/Count"), Some("shop.Stock/Count"));
        for wrong in ["", "/", "/a", "/a/", "//b", "/a/b/c", "a/b"] {
            assert_eq!(method(wrong), None, "{wrong:?}");
        }
    }
}
