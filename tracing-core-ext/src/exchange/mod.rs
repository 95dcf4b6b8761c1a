//! The life of one request and its response: [`start_server`](Instrumentation::start_server) or
//! [`start_client`](Instrumentation::start_client), [`on_response`](Exchange::on_response), [`end`](Exchange::end).
//!
//! An adapter for a web framework or a client library only translates. It describes its request, polls its futures and
//! bodies [`in_scope`](Exchange::in_scope), and says what it saw:
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
//! # When is what called?
//!
//! - `start_server` or `start_client` when the request is there; the span starts.
//! - `in_scope` around every poll, first of the handler, then of the body; the span is current in it.
//! - [`inject`](Exchange::inject) before a request is sent, for the fields that carry the trace on.
//! - [`inject_response`](Exchange::inject_response) before the headers of the response are sent, for fields that tell of the trace.
//! - `on_response` once, when the head of the response is known. It finishes the exchange itself where no body can follow:
//!   a `HEAD` request, 204, 205, 304, an empty body; and where something else takes over: 101, or 2xx to `CONNECT`.
//! - `on_body_chunk` for every frame with data; it finishes the exchange with the last byte of a body of known length.
//! - [`on_trailers`](Exchange::on_trailers) when the body ends with some: gRPC says there how a call went.
//! - `end` when the body ends or anything fails. The first call counts, every later one does nothing.
//! - Dropping an exchange that was not finished finishes it as cancelled, or as panicked while a panic unwinds.
//!
//! The span ends in `end` and nowhere else, whatever still runs below it.
//!
//! A WebSocket is no exchange: that of its handshake is finished by the 101. The connection has a span, a [`WebSocketSpan`],
//! where its handler asks for one with [`RequestSpan::websocket`].

mod body;
pub(crate) mod builder;
mod exchange;
mod future;
pub(crate) mod instrumentation;
mod outcome;
pub(crate) mod spans;
pub(crate) mod state;

pub use self::{
    body::{
        BodyError, ClassifyBodyError, ExchangeBody,
        counter::{BodyCounter, CountingBody},
    },
    builder::{
        Builder, ClientMiddleware, ServerMiddleware,
        options::{ResponseHeader, TrustPolicy},
    },
    exchange::{EnteredExchange, Exchange},
    future::{ResponseFuture, parse_length},
    instrumentation::{Instrumentation, duplicate_warning::DuplicateMiddlewareWarning},
    outcome::{ErrorType, ExchangeSummary, Outcome, handler_error::HandlerError},
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
