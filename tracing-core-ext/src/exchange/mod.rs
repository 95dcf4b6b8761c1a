//! The life of one request and its response (RFC 9113, section 8.1, calls them an exchange):
//! [`start_server`](Instrumentation::start_server) or [`start_client`](Instrumentation::start_client),
//! [`on_response`](Exchange::on_response), [`end`](Exchange::end).
//!
//! An adapter for a web framework or a client library only translates. It describes its request, polls its futures and
//! bodies [`in_scope`](Exchange::in_scope), and reports the events it sees:
//!
//! ```
//! use tracing_core_ext::exchange::{Builder, Instrumentation, Outcome};
//! use tracing_core_ext::http::ResponseHead;
//!
//! let instrumentation: Instrumentation = Builder::new("my-framework", "1.0.0").build();
//! let request = http::Request::get("http://shop.example/items/7").body(())?;
//! let mut exchange = instrumentation.start_server(&request);
//! let status = exchange.in_scope(|| 200);
//! let headers = &http::HeaderMap::new();
//! exchange.on_response(&ResponseHead::new(status, Some(2), headers));
//! exchange.in_scope(|| "ok");
//! exchange.end(Outcome::Complete);
//! # Ok::<(), http::Error>(())
//! ```
//!
//! # Order of calls
//!
//! - `start_server` or `start_client` when the request is there; the span starts.
//! - `in_scope` around every poll, first of the handler, then of the body; the span is current in it.
//! - [`inject`](Exchange::inject) before a request is sent, for the fields that propagate the trace context.
//! - [`inject_response`](Exchange::inject_response) before the headers of the response are sent, for fields that
//!   identify the trace.
//! - `on_response` once, when the head of the response is known. It ends the exchange itself if no body can follow: a
//!   `HEAD` request, 204, 205, 304, an empty body. It also ends the exchange if another protocol takes
//!   over: 101, or 2xx to `CONNECT`.
//! - `on_body_chunk` for every frame with data; it ends the exchange with the last byte of a body of known length.
//! - [`on_trailers`](Exchange::on_trailers) when the body ends with trailers: gRPC sends the status of a call there.
//! - `end` when the body ends or anything fails. Only the first call counts.
//! - Dropping an exchange that has not ended ends it as cancelled, or as panicked while a panic unwinds.
//!
//! The span ends in `end` and nowhere else, even if child spans are still open.
//!
//! A WebSocket connection is no exchange: the exchange of its handshake ends with the 101. The connection has a span, a
//! [`WebSocketSpan`], if its handler starts one with [`RequestSpan::websocket`].

mod body;
pub(crate) mod builder;
mod exchange;
mod future;
pub(crate) mod instrumentation;
pub(crate) mod outcome;
mod problem;
pub(crate) mod request_log;
pub(crate) mod spans;
pub(crate) mod state;

pub use self::{
    body::{
        BodyError, ClassifyBodyError, ExchangeBody,
        counter::{BodyCounter, CountingBody},
    },
    builder::{
        Builder, ClientMiddleware, ServerMiddleware,
        extras::RequestIdPolicy,
        options::{ResponseHeader, TrustPolicy},
    },
    exchange::{EnteredExchange, Exchange},
    future::{ResponseFuture, parse_length},
    instrumentation::{Instrumentation, duplicate_warning::DuplicateMiddlewareWarning},
    outcome::{ErrorType, ExchangeSummary, Outcome, handler_error::HandlerError},
    problem::ProblemDetails,
    request_log::{RequestLog, ended_request::EndedRequest},
    spans::{
        attribute_value::AttributeValue,
        request_span::RequestSpan,
        websocket_span::{WebSocketFuture, WebSocketSpan},
    },
};
pub use crate::{
    base::contained_panic_count,
    bridge::{layer::layer, span_filter::TARGET},
};
