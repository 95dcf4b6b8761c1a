use std::{borrow::Cow, fmt, net::SocketAddr, str};

use http::{HeaderName, StatusCode};

use super::{request::RequestHead, url::authority::Authority, version::ProtocolVersion};
use crate::propagation::Headers;

/// A request as the options of a middleware or a client see it: the same on every framework, in and out.
#[derive(Clone, Copy)]
pub struct RequestView<'a>(&'a dyn DynRequestHead);

impl<'a> RequestView<'a> {
    pub(crate) const fn new(head: &'a dyn DynRequestHead) -> Self {
        Self(head)
    }

    /// Method as sent.
    pub fn method(&self) -> &'a str {
        self.0.method()
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'a str {
        self.0.scheme()
    }

    /// Host and port of the request target, or of the `Host` header. Credentials are never part of it.
    pub fn authority(&self) -> Option<&'a str> {
        let usable = |authority: &&str| Authority::parse(authority).is_some();
        self.0.authority().filter(usable).or_else(|| self.header("host"))
    }

    /// Path, without the query.
    pub fn path(&self) -> &'a str {
        self.0.path()
    }

    /// Query, without the question mark.
    pub fn query(&self) -> Option<&'a str> {
        self.0.query()
    }

    /// Version of the protocol, where it is known.
    pub fn version(&self) -> Option<ProtocolVersion> {
        self.0.version()
    }

    /// Pattern of the router that matched, or template of the URL that is called, such as `/items/{id}`.
    pub fn route(&self) -> Option<Cow<'a, str>> {
        self.0.route()
    }

    /// The other end of the connection, where it is known.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.0.peer()
    }

    /// First value of a header field. `None` also where that is no text, or `name` is no name of a field.
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

/// What a [`RequestView`] needs of a head of any type.
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

/// The head of a response as the options of a middleware or a client see it.
#[derive(Clone, Copy)]
pub struct ResponseView<'a> {
    status: u16,
    headers: &'a dyn DynHeaders,
}

impl<'a> ResponseView<'a> {
    pub(crate) const fn new(status: u16, headers: &'a dyn DynHeaders) -> Self {
        Self { status, headers }
    }

    /// The status code.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or_default()
    }

    /// First value of a header field. `None` also where that is no text, or `name` is no name of a field.
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

/// [`Headers`] of any type.
pub(crate) trait DynHeaders {
    fn first_value(&self, name: &HeaderName) -> Option<&[u8]>;
}

impl<H: Headers> DynHeaders for H {
    fn first_value(&self, name: &HeaderName) -> Option<&[u8]> {
        self.values(name).next()
    }
}
