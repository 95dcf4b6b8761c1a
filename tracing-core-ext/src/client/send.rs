use std::{
    mem,
    pin::Pin,
    task::{self, Poll, ready},
};

use http::{HeaderMap, header::CONTENT_LENGTH};
use opentelemetry::Context;
use pin_project::pin_project;
use reqwest::{Body, Request, Response, ResponseBuilderExt};

use super::{
    errors::{ReqwestBodyError, SendError},
    extensions::{ResendCount, UrlTemplate},
};
use crate::{
    exchange::{CountingBody, Exchange, ExchangeBody, Instrumentation, Outcome},
    http::{ClientRequestHead, ProtocolVersion, ResponseHead},
};

/// Options of a request that reqwest's request does not contain.
#[derive(Clone, Debug, Default)]
pub(super) struct RequestOptions {
    pub(super) template: Option<UrlTemplate>,
    pub(super) resend_count: ResendCount,
    /// Whether the body of the response may be decompressed before it is counted.
    pub(super) decompresses: bool,
}

/// The head of a response, and the exchange that continues in its body.
pub(super) struct TracedResponse {
    pub(super) response: Response,
    exchange: Exchange,
}

/// Sends `request` once with `execute`, as an exchange below `parent`.
pub(super) fn send<F>(
    instrumentation: &Instrumentation,
    parent: &Context,
    options: &RequestOptions,
    mut request: Request,
    execute: impl FnOnce(Request) -> F,
) -> SendFuture<F> {
    let exchange = instrumentation.start_client(parent, &head(&request, options));
    exchange.inject(request.headers_mut());
    count_body(&mut request, &exchange);
    SendFuture { inner: execute(request), exchange, decompresses: options.decompresses }
}

/// Future of a response. It is no `async` function, because the state of one would hold the request while it waits.
#[pin_project]
pub(super) struct SendFuture<F> {
    #[pin]
    inner: F,
    exchange: Exchange,
    decompresses: bool,
}

impl<F, E> Future for SendFuture<F>
where
    F: Future<Output = Result<Response, E>>,
    E: SendError,
{
    type Output = Result<TracedResponse, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let result = ready!(this.exchange.in_scope(|| this.inner.poll(cx)));
        let mut exchange = this.exchange.take();
        if let Err(error) = &result {
            exchange.set_error(error);
            exchange.end(Outcome::Failed(error.error_type()));
        }
        Poll::Ready(result.map(|response| {
            // reqwest removes the field if it decompresses.
            let is_hidden = *this.decompresses && !response.headers().contains_key(CONTENT_LENGTH);
            let response = TracedResponse::new(response, exchange);
            if is_hidden {
                response.exchange.hide_response_size();
            }
            response
        }))
    }
}

fn head<'a>(request: &'a Request, options: &'a RequestOptions) -> ClientRequestHead<'a, HeaderMap> {
    let url = request.url();
    ClientRequestHead {
        method: request.method().as_str(),
        url: url.as_str(),
        host: url.host_str().map(|host| host.trim_matches(['[', ']'])),
        port: url.port_or_known_default(),
        headers: request.headers(),
        template: options.template.as_ref().map(UrlTemplate::as_str),
        resend_count: options.resend_count.count(),
    }
}

/// Counts the body of a request. A body in memory is counted when it is sent, because a wrapped one could not be sent
/// again; a stream is counted as it passes.
fn count_body(request: &mut Request, exchange: &Exchange) {
    let Some(size) = exchange.request_body_counter() else { return };
    let Some(body) = request.body_mut() else { return size.add(0) };
    match body.as_bytes() {
        Some(bytes) => size.add(bytes.len() as u64),
        None => *body = Body::wrap(CountingBody::new(mem::take(body), size)),
    }
}

impl TracedResponse {
    fn new(response: Response, mut exchange: Exchange) -> Self {
        exchange.record_connection(
            ProtocolVersion::from_http(response.version()),
            response.remote_addr(),
        );
        exchange.on_response(&ResponseHead::new(
            response.status().as_u16(),
            response.content_length(),
            response.headers(),
        ));
        Self { response, exchange }
    }

    /// Returns the response. If the exchange has not ended and is observed, the body ends it.
    pub(super) fn into_response(self) -> Response {
        let Self { response, exchange } = self;
        if exchange.has_ended() || !exchange.is_observed() {
            return response;
        }
        // A response built from parts loses its URL unless the URL is in its extensions.
        let with_url = http::Response::builder().url(response.url().clone()).body(());
        let (mut parts, body) = http::Response::<Body>::from(response).into_parts();
        parts.extensions.extend(with_url.unwrap_or_default().into_parts().0.extensions);
        let body = ExchangeBody::<_, ReqwestBodyError>::with_classifier(body, exchange);
        http::Response::from_parts(parts, Body::wrap(body)).into()
    }

    /// Ends the exchange without reading the body.
    pub(super) fn end(mut self) {
        self.exchange.end(Outcome::Complete);
    }
}
