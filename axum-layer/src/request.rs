use std::{any::Any, borrow::Cow, cell::OnceCell, mem, net::SocketAddr};

use axum::{
    body::Body,
    extract::{ConnectInfo, MatchedPath, OriginalUri},
};
use http::{
    Request, Uri, Version,
    header::{CONTENT_LENGTH, TRANSFER_ENCODING},
};
use tracing_core_ext::{
    exchange::{BodyCounter, CountingBody, parse_length},
    http::{ProtocolVersion, RequestHead},
    propagation::Headers,
};

/// Request with its values from axum: the matched route and the connection.
pub(crate) struct AxumRequest<'a, B> {
    request: &'a Request<B>,
    uri: OnceCell<&'a Uri>,
}

impl<'a, B> AxumRequest<'a, B> {
    pub(crate) const fn of(request: &'a Request<B>) -> Self {
        Self { request, uri: OnceCell::new() }
    }

    /// Returns the original URI. The URI of a request in a nested router contains only the rest of
    /// the path.
    fn uri(&self) -> &'a Uri {
        let request = self.request;
        self.uri.get_or_init(|| {
            request.extensions().get().map_or(request.uri(), |OriginalUri(uri)| uri)
        })
    }
}

impl<B> RequestHead for AxumRequest<'_, B> {
    fn headers(&self) -> &impl Headers {
        self.request.headers()
    }

    fn method(&self) -> &str {
        RequestHead::method(self.request)
    }

    fn scheme(&self) -> &str {
        self.request.scheme()
    }

    fn authority(&self) -> Option<&str> {
        self.request.authority()
    }

    fn path(&self) -> &str {
        self.uri().path()
    }

    fn query(&self) -> Option<&str> {
        self.uri().query()
    }

    fn version(&self) -> Option<ProtocolVersion> {
        RequestHead::version(self.request)
    }

    fn route(&self) -> Option<Cow<'_, str>> {
        let matched = self.request.extensions().get::<MatchedPath>()?;
        Some(Cow::Borrowed(matched.as_str()))
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.request.extensions().get().map(|ConnectInfo(address)| *address)
    }
}

/// Counts the body into `size`: the bytes that are read if it is axum's own body, or else the
/// declared length. Without a declared length the size is unknown.
pub(crate) fn count_body<B: 'static>(request: &mut Request<B>, size: BodyCounter) {
    if let Some(body) = (request.body_mut() as &mut dyn Any).downcast_mut::<Body>() {
        *body = Body::new(CountingBody::new(mem::take(body), size));
    } else if let Some(length) = declared_length(request) {
        size.add(length);
    }
}

/// Returns the declared length: RFC 9112, section 6.3: an HTTP/1 request with neither field has no
/// body.
fn declared_length<B>(request: &Request<B>) -> Option<u64> {
    if let Some(length) = request.headers().get(CONTENT_LENGTH) {
        return parse_length(length.as_bytes());
    }
    let is_http1 = request.version() <= Version::HTTP_11;
    (is_http1 && !request.headers().contains_key(TRANSFER_ENCODING)).then_some(0)
}
