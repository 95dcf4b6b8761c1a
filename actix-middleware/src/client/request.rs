use std::rc::Rc;

use actix_http::{RequestHead, RequestHeadType};
use actix_web::{
    body::{BodySize, MessageBody},
    http::{Uri, header::HeaderMap},
};
use awc::ConnectRequest;
use opentelemetry::Context;
use tracing_core_ext::{
    exchange::{Exchange, Instrumentation},
    http::ClientRequestHead,
};

use super::{redirect, request_options::RequestOptions};
use crate::headers::ActixHeaders;

/// Request whose exchange has started.
pub(super) struct StartedRequest {
    pub(super) exchange: Exchange,
    pub(super) uri: Uri,
    pub(super) resend_count: u32,
}

/// Starts the exchange of `request` with the current context as its parent. The template is ignored
/// for a redirect, because its URL differs.
pub(super) fn start(
    instrumentation: &Instrumentation,
    request: &mut ConnectRequest,
) -> StartedRequest {
    let head = head_mut(request);
    let mut options = RequestOptions::take(head.headers_mut());
    if let Some(resend_count) = redirect::resend_count(&head.uri) {
        options = RequestOptions { template: None, resend_count };
    }
    let (url, headers) = (head.uri.to_string(), ActixHeaders(head.headers()));
    let mut described = ClientRequestHead::new(head.method.as_str(), &url, &headers);
    described.template = options.template.as_deref();
    described.resend_count = options.resend_count;
    let exchange = instrumentation.start_client(&Context::current(), &described);
    StartedRequest { exchange, uri: head.uri.clone(), resend_count: options.resend_count }
}

/// Returns the headers of this request. Shared headers are copied first.
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

/// Merges the extra headers of a frozen request, which take precedence.
fn merge_headers(headers: &mut HeaderMap, extra: HeaderMap) {
    for name in extra.keys() {
        headers.remove(name);
    }
    for (name, value) in extra {
        headers.append(name, value);
    }
}

/// Returns the length of the body, if it is known in advance.
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
