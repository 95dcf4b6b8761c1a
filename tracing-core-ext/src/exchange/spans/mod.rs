//! The spans of requests and connections, for handlers.

pub(crate) mod attribute_value;
pub(crate) mod request_span;
pub(crate) mod websocket_span;
