/// How an exchange ended. Every exchange ends in exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The last frame of the body was handed over, or there was no body to send.
    Complete,
    /// The service, the client or the body failed.
    Failed(ErrorType),
    /// The future or the body was dropped before its end: the other side went away, or a time limit struck.
    Cancelled,
    /// The handler or the body panicked.
    Panicked,
    /// `101 Switching Protocols` or a tunnel: the exchange ends with the handshake.
    Upgraded,
}

/// Value of `error.type` for an exchange that ended without a status code that says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorType {
    /// `service_error`: the service answered with an error instead of a response.
    Service,
    /// `body_error`: the body failed after the head was sent or received.
    Body,
    /// `timeout`: no head of a response in time (client).
    Timeout,
    /// `connection_error`: the connection could not be made (client).
    Connection,
    /// `redirect_error`: too many redirects, or one that could not be followed (client).
    Redirect,
    /// `request_error`: no response for another reason, such as a connection that was lost (client).
    Request,
    /// `cancelled_before_head`: dropped before there was a response.
    CancelledBeforeHead,
    /// `cancelled_mid_body`: dropped while the body was being sent.
    CancelledMidBody,
    /// `panic`: the handler or the body panicked.
    Panic,
}

impl ErrorType {
    /// The value of `error.type`.
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
