use actix_http::{RequestHead, RequestHeadType};
use actix_web::{
    body::{BodySize, MessageBody},
    http::header::HeaderMap,
};
use awc::ConnectRequest;
use opentelemetry::Context;
use tracing_core_ext::{
    exchange::{Exchange, Instrumentation},
    http::ClientRequestHead,
};

use crate::headers::FieldView;

/// Starts the exchange of `request` below the context that is current now.
pub(super) fn start(instrumentation: &Instrumentation, request: &ConnectRequest) -> Exchange {
    let head = head(request);
    let (url, headers) = (head.uri.to_string(), FieldView(head.headers()));
    let head = ClientRequestHead::new(head.method.as_str(), &url, &headers);
    instrumentation.send(&Context::current(), &head)
}

fn head(request: &ConnectRequest) -> &RequestHead {
    match request {
        ConnectRequest::Client(head, ..) => head.as_ref(),
        ConnectRequest::Tunnel(head, _) => head,
    }
}

/// The headers of this request alone: the head of a frozen one is shared, and what stands beside it takes precedence.
pub(super) fn headers_mut(request: &mut ConnectRequest) -> &mut HeaderMap {
    match request {
        ConnectRequest::Client(RequestHeadType::Owned(head), ..)
        | ConnectRequest::Tunnel(head, _) => head.headers_mut(),
        ConnectRequest::Client(RequestHeadType::Rc(_, extra), ..) => {
            extra.get_or_insert_with(HeaderMap::new)
        }
    }
}

/// As far as the body tells in advance.
pub(super) fn body_length(request: &ConnectRequest) -> u64 {
    match request {
        ConnectRequest::Client(_, body, _) => match body.size() {
            BodySize::Sized(length) => length,
            BodySize::None | BodySize::Stream => 0,
        },
        ConnectRequest::Tunnel(..) => 0,
    }
}
