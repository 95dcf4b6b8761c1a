use std::{
    fmt::{Debug, Display},
    task,
};

use http::{HeaderMap, Request, Response, header::HOST};
use http_body::Body;
use opentelemetry::Context;
use tower_service::Service;

use super::extensions::{ResendCount, UrlTemplate};
use crate::{
    exchange::{ExchangeBody, Instrumentation, ResponseFuture},
    http::ClientRequestHead,
};

/// Service made by [`ClientLayer`](crate::client::ClientLayer).
#[derive(Clone, Debug)]
pub struct ClientService<S> {
    inner: S,
    instrumentation: Instrumentation,
}

impl<S> ClientService<S> {
    pub(super) const fn new(inner: S, instrumentation: Instrumentation) -> Self {
        Self { inner, instrumentation }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for ClientService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    S::Error: Display + Debug + 'static,
    ReqBody: Body,
    ResBody: Body,
{
    type Response = Response<ExchangeBody<ResBody>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> task::Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let url = url(&request);
        let mut exchange =
            self.instrumentation.start_client(&Context::current(), &head(&request, &url));
        let length = request.body().size_hint().exact();
        if let Some((size, length)) = exchange.request_body_counter().zip(length) {
            size.add(length);
        }
        exchange.inject(request.headers_mut());
        let future = exchange.in_scope(|| self.inner.call(request));
        ResponseFuture::new(future, exchange)
    }
}

fn head<'a, B>(request: &'a Request<B>, url: &'a str) -> ClientRequestHead<'a, HeaderMap> {
    let extensions = request.extensions();
    let head = ClientRequestHead::new(request.method().as_str(), url, request.headers());
    ClientRequestHead {
        template: extensions.get().map(UrlTemplate::as_str),
        resend_count: extensions.get().copied().map_or(0, ResendCount::count),
        ..head
    }
}

/// Returns the URL of a request. It is absolute if the target or the `Host` header names a server. RFC 9112, section
/// 3.3: the URL of `OPTIONS *` has an empty path.
fn url<B>(request: &Request<B>) -> String {
    let uri = request.uri();
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    match host.filter(|_| uri.authority().is_none()) {
        Some(host) if uri.path() == "*" => format!("http://{host}"),
        Some(host) => format!("http://{host}{uri}"),
        None => uri.to_string(),
    }
}
