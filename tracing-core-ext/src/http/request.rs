use std::{borrow::Cow, net::SocketAddr};

use super::version::ProtocolVersion;
use crate::propagation::Headers;

/// Head of an incoming request, as its framework has it.
///
/// Frameworks differ in the `http` version they speak, so an adapter tells of its request in these terms and the rest is
/// shared. What is not asked for is not looked up: a request that cannot be recorded is asked for its headers alone.
pub trait RequestHead {
    /// Header fields.
    fn headers(&self) -> &impl Headers;

    /// Method as sent.
    fn method(&self) -> &str;

    /// `http` or `https`, the scheme of the connection.
    fn scheme(&self) -> &str;

    /// Host and port the caller asked for, from the request target (`:authority` in HTTP/2). The `Host` header stands
    /// in where there is none.
    fn authority(&self) -> Option<&str>;

    /// Path, without the query.
    fn path(&self) -> &str;

    /// Query, without the question mark.
    fn query(&self) -> Option<&str>;

    /// Version of the protocol.
    fn version(&self) -> Option<ProtocolVersion>;

    /// Pattern of the router that matched, such as `/items/{id}`.
    fn route(&self) -> Option<Cow<'_, str>>;

    /// Pattern that will probably match, for a sampler that decides before the request is routed. It is
    /// [`route`](Self::route) by default.
    fn expected_route(&self) -> Option<Cow<'_, str>> {
        self.route()
    }

    /// The other end of the connection.
    fn peer(&self) -> Option<SocketAddr>;
}

/// A request nobody has routed yet.
impl<B> RequestHead for http::Request<B> {
    fn headers(&self) -> &impl Headers {
        self.headers()
    }

    fn method(&self) -> &str {
        self.method().as_str()
    }

    fn scheme(&self) -> &str {
        match self.version() {
            // The caller chooses the scheme of an absolute-form target.
            http::Version::HTTP_09 | http::Version::HTTP_10 | http::Version::HTTP_11 => "http",
            _ => self.uri().scheme_str().unwrap_or("http"),
        }
    }

    fn authority(&self) -> Option<&str> {
        self.uri().authority().map(http::uri::Authority::as_str)
    }

    fn path(&self) -> &str {
        self.uri().path()
    }

    fn query(&self) -> Option<&str> {
        self.uri().query()
    }

    fn version(&self) -> Option<ProtocolVersion> {
        ProtocolVersion::from_http(self.version())
    }

    fn route(&self) -> Option<Cow<'_, str>> {
        None
    }

    fn peer(&self) -> Option<SocketAddr> {
        None
    }
}
