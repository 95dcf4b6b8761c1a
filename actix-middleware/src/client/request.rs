use std::rc::Rc;

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

use crate::headers::ActixHeaders;

/// Starts the exchange of `request` below the context that is current now.
pub(super) fn start(instrumentation: &Instrumentation, request: &mut ConnectRequest) -> Exchange {
    let head = head_mut(request);
    let (url, headers) = (head.uri.to_string(), ActixHeaders(head.headers()));
    let head = ClientRequestHead::new(head.method.as_str(), &url, &headers);
    instrumentation.start_client(&Context::current(), &head)
}

/// The headers of this request alone, and all of them.
pub(super) fn headers_mut(request: &mut ConnectRequest) -> &mut HeaderMap {
    head_mut(request).headers_mut()
}

fn head_mut(request: &mut ConnectRequest) -> &mut RequestHead {
    match request {
        ConnectRequest::Client(RequestHeadType::Owned(head), ..)
        | ConnectRequest::Tunnel(head, _) => head,
        ConnectRequest::Client(RequestHeadType::Rc(head, extra), ..) => {
            let head = Rc::make_mut(head);
            merge_headers(&mut head.headers, extra.take().unwrap_or_default());
            head
        }
    }
}

/// What stands beside the head of a frozen request takes precedence.
fn merge_headers(headers: &mut HeaderMap, extra: HeaderMap) {
    for name in extra.keys() {
        headers.remove(name);
    }
    for (name, value) in extra {
        headers.append(name, value);
    }
}

/// The length of the body, if it is known in advance.
pub(super) fn body_length(request: &ConnectRequest) -> Option<u64> {
    match request {
        ConnectRequest::Client(_, body, _) => match body.size() {
            BodySize::Sized(length) => Some(length),
            BodySize::None => Some(0),
            BodySize::Stream => None,
        },
        ConnectRequest::Tunnel(..) => Some(0),
    }
}
