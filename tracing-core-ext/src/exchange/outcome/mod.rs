//! Endings of an exchange, and the reasons of failures.

pub(crate) mod handler_error;
pub(crate) mod reason;

use std::{borrow::Cow, fmt};

use http::StatusCode;

/// Way in which an exchange ended. Every exchange has exactly one outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The last frame of the body was passed on, or there was no body to send.
    Complete,
    /// The service, the client or the body failed.
    Failed(ErrorType),
    /// The future or the body was dropped before its end: the other side disconnected, or a time limit expired.
    Cancelled,
    /// The handler or the body panicked.
    Panicked,
    /// `101 Switching Protocols` or a tunnel: the exchange ends with the handshake.
    Upgraded,
}

/// Value of `error.type` for an exchange that did not end with the status code of an error.
///
/// If it did, `error.type` is that code: `503`, or for gRPC its name, `UNAVAILABLE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorType {
    /// `service_error`: the service returned an error instead of a response.
    Service,
    /// `body_error`: the body failed after the head was sent or received.
    Body,
    /// `timeout`: no response, or not all of it, in time (client).
    Timeout,
    /// `connection_error`: the connection could not be made (client).
    Connection,
    /// `redirect_error`: too many redirects (client).
    Redirect,
    /// `request_error`: no response for another reason, such as a lost connection, or a redirect to a URL of another
    /// scheme than HTTP (client).
    Request,
    /// `cancelled_before_head`: dropped before there was a response. On a client this is an error only with
    /// [`dropped_calls_are_errors`](crate::exchange::Builder::dropped_calls_are_errors).
    CancelledBeforeHead,
    /// `cancelled_mid_body`: dropped while the body was being sent (server).
    CancelledMidBody,
    /// `panic`: the handler or the body panicked; on a client, the inner client.
    Panic,
}

impl ErrorType {
    /// Returns the value of `error.type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service_error",
            Self::Body => "body_error",
            Self::Timeout => "timeout",
            Self::Connection => "connection_error",
            Self::Redirect => "redirect_error",
            Self::Request => "request_error",
            Self::CancelledBeforeHead => "cancelled_before_head",
            Self::CancelledMidBody => "cancelled_mid_body",
            Self::Panic => "panic",
        }
    }
}

impl fmt::Display for ErrorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Summary of an ended exchange, for the option that classifies errors.
#[derive(Clone, Debug)]
pub struct ExchangeSummary {
    pub(super) outcome: Outcome,
    pub(super) status: Option<u16>,
    pub(super) rpc_status: Option<&'static str>,
    pub(super) error_type: Option<Cow<'static, str>>,
}

impl ExchangeSummary {
    /// Returns the outcome.
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Returns the status of the response, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        StatusCode::from_u16(self.status?).ok()
    }

    /// Returns the name of the gRPC status, such as `NOT_FOUND`, if there was one.
    pub const fn rpc_status(&self) -> Option<&'static str> {
        self.rpc_status
    }

    /// Returns `error.type` by the semantic conventions; `None` if the exchange is no error.
    pub fn error_type(&self) -> Option<&str> {
        self.error_type.as_deref()
    }

    /// Returns the same value as [`error_type`](Self::error_type), owned.
    pub fn into_error_type(self) -> Option<Cow<'static, str>> {
        self.error_type
    }
}
