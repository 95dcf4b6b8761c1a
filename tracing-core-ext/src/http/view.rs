use std::{borrow::Cow, fmt, net::SocketAddr, str};

use http::{HeaderName, StatusCode};

use super::{request::RequestHead, url::authority::Authority, version::ProtocolVersion};
use crate::propagation::Headers;

/// Request head that is passed to the options of a middleware or a client. It is the same type for
/// all frameworks and clients.
#[derive(Clone, Copy)]
pub struct RequestView<'a>(&'a dyn DynRequestHead);

impl<'a> RequestView<'a> {
    pub(crate) const fn new(head: &'a dyn DynRequestHead) -> Self {
        Self(head)
    }

    /// Returns the method as sent.
    pub fn method(&self) -> &'a str {
        self.0.method()
    }

    /// Returns the scheme, `http` or `https`.
    pub fn scheme(&self) -> &'a str {
        self.0.scheme()
    }

    /// Returns host and port of the request target, or of the `Host` header, without credentials.
    pub fn authority(&self) -> Option<&'a str> {
        let usable = |authority: &&str| Authority::parse(authority).is_some();
        self.0.authority().filter(usable).or_else(|| self.header("host"))
    }

    /// Returns the path, without the query.
    pub fn path(&self) -> &'a str {
        self.0.path()
    }

    /// Returns the query, without the question mark.
    pub fn query(&self) -> Option<&'a str> {
        self.0.query()
    }

    /// Returns the version of the protocol, if known.
    pub fn version(&self) -> Option<ProtocolVersion> {
        self.0.version()
    }

    /// Returns the pattern of the matched route, or the template of the requested URL, such as
    /// `/items/{id}`.
    pub fn route(&self) -> Option<Cow<'a, str>> {
        self.0.route()
    }

    /// Returns the address of the peer of the connection, if known.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.0.peer()
    }

    /// Returns the first value of a header field, or `None` if it is not text or `name` is not a
    /// valid field name.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        str::from_utf8(self.0.header(&name)?).ok()
    }
}

impl fmt::Debug for RequestView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestView")
            .field("method", &self.method())
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}

/// Dyn-compatible form of a request head, for [`RequestView`].
pub(crate) trait DynRequestHead {
    fn method(&self) -> &str;
    fn scheme(&self) -> &str;
    fn authority(&self) -> Option<&str>;
    fn path(&self) -> &str;
    fn query(&self) -> Option<&str>;
    fn version(&self) -> Option<ProtocolVersion>;
    fn route(&self) -> Option<Cow<'_, str>>;
    fn peer(&self) -> Option<SocketAddr>;
    fn header(&self, name: &HeaderName) -> Option<&[u8]>;
}

impl<R: RequestHead> DynRequestHead for R {
    fn method(&self) -> &str {
        self.method()
    }

    fn scheme(&self) -> &str {
        self.scheme()
    }

    fn authority(&self) -> Option<&str> {
        self.authority()
    }

    fn path(&self) -> &str {
        self.path()
    }

    fn query(&self) -> Option<&str> {
        self.query()
    }

    fn version(&self) -> Option<ProtocolVersion> {
        self.version()
    }

    fn route(&self) -> Option<Cow<'_, str>> {
        self.route()
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.peer()
    }

    fn header(&self, name: &HeaderName) -> Option<&[u8]> {
        self.headers().values(name).next()
    }
}

/// Response head that is passed to the options of a middleware or a client.
#[derive(Clone, Copy)]
pub struct ResponseView<'a> {
    status: u16,
    headers: &'a dyn DynHeaders,
}

impl<'a> ResponseView<'a> {
    pub(crate) const fn new(status: u16, headers: &'a dyn DynHeaders) -> Self {
        Self { status, headers }
    }

    /// Returns the status code.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or_default()
    }

    /// Returns the first value of a header field, or `None` if it is not text or `name` is not a
    /// valid field name.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        str::from_utf8(self.headers.first_value(&name)?).ok()
    }
}

impl fmt::Debug for ResponseView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseView").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Dyn-compatible form of [`Headers`].
pub(crate) trait DynHeaders {
    fn first_value(&self, name: &HeaderName) -> Option<&[u8]>;
}

impl<H: Headers> DynHeaders for H {
    fn first_value(&self, name: &HeaderName) -> Option<&[u8]> {
        self.values(name).next()
    }
}
