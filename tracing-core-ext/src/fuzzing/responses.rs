use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::export::{
    jaeger::collector,
    otlp::protocol::{grpc, response},
    transport::{response::HttpResponse, retry, retry::ExportError},
};

/// Response of a backend.
#[derive(Clone, Debug)]
pub struct Received {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
    /// Trailers.
    pub trailers: HeaderMap,
}

/// Result of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Export {
    /// The backend has accepted the request, except these items.
    Accepted {
        /// Number of items that were refused.
        rejected: u64,
        /// Reason for a loss, and the warning to log.
        texts: [Option<String>; 2],
    },
    /// The request fails again.
    Permanent(String),
    /// The backend accepts smaller requests.
    TooLarge(String),
    /// A later attempt may succeed, after a delay if the backend requires one.
    Retryable(String, Option<Duration>),
}

impl Received {
    fn into_response(self) -> HttpResponse {
        let Self { status, headers, body, trailers } = self;
        HttpResponse { status, headers, body, trailers, truncated: None }
    }
}

impl From<ExportError> for Export {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Permanent(reason) => Self::Permanent(reason),
            ExportError::TooLarge(reason) => Self::TooLarge(reason),
            ExportError::Retryable { reason, wait } => Self::Retryable(reason, wait),
        }
    }
}

/// Returns the result of an export over OTLP.
pub fn otlp_response(received: Received, is_grpc: bool) -> Export {
    let response = received.into_response();
    let parsed = match is_grpc {
        true => grpc::parse_response(response),
        false => response::parse_response(&response),
    };
    match parsed {
        Ok(accepted) => Export::Accepted {
            rejected: accepted.rejected,
            texts: [
                (accepted.rejected > 0).then(|| accepted.rejection_message()),
                accepted.warning().map(str::to_owned),
            ],
        },
        Err(error) => error.into(),
    }
}

/// Returns the result of an export to Jaeger's collector.
pub fn jaeger_response(received: Received) -> Export {
    match collector::parse_response(&received.into_response()) {
        Ok(()) => Export::Accepted { rejected: 0, texts: [None, None] },
        Err(error) => error.into(),
    }
}

/// Returns the delay that a `Retry-After` requires at `now`.
pub fn retry_after(value: &HeaderValue, now: SystemTime) -> Option<Duration> {
    retry::retry_after(value, now)
}
