use std::time::Duration;

use bytes::Bytes;

/// Answer of a [`Collector`](super::Collector) to a request.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// Stores everything: 200.
    Accept,
    /// Stores the first items of the request, and rejects the others with a partial success.
    AcceptPart {
        /// Number of spans, log records or data points that are stored.
        items: usize,
    },
    /// Refuses the request for good: 400. An exporter must not send it again.
    Refuse,
    /// Refuses the request for now: 503. An exporter may send it again.
    Unavailable,
    /// Requires a pause, in whole seconds: 429 with `Retry-After`.
    Throttle(Duration),
    /// Never answers.
    Hang,
    /// Closes the connection without an answer.
    Disconnect,
}

/// A request that a [`Collector`](super::Collector) has received.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// Path of the request, such as `/v1/traces`.
    pub path: String,
    /// Number of spans, log records or data points in the request.
    pub items: usize,
    /// Body of the request, decompressed.
    pub body: Bytes,
    /// Answer to the request.
    pub answer: Answer,
}
