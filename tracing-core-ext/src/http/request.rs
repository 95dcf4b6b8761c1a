use std::{borrow::Cow, net::SocketAddr};

use super::version::ProtocolVersion;
use crate::propagation::Headers;

/// Head of an incoming request, as its framework represents it.
///
/// Frameworks use different versions of `http`. An adapter implements this trait, and the other
/// code is shared. Values are read only when they are needed: for a request that cannot be
/// recorded, only the headers are read.
pub trait RequestHead {
    /// Header fields.
    fn headers(&self) -> &impl Headers;

    /// Method as sent.
    fn method(&self) -> &str;

    /// Scheme of the connection: `http` or `https`.
    fn scheme(&self) -> &str;

    /// Host and port in the request target (`:authority` in HTTP/2), or else in the `Host` header.
    fn authority(&self) -> Option<&str>;

    /// Path, without the query.
    fn path(&self) -> &str;

    /// Query, without the question mark.
    fn query(&self) -> Option<&str>;

    /// Version of the protocol.
    fn version(&self) -> Option<ProtocolVersion>;

    /// Pattern of the matched route, such as `/items/{id}`.
    fn route(&self) -> Option<Cow<'_, str>>;

    /// Pattern of the route that will probably match, for a sampler that decides before the request
    /// is routed. By default it is [`route`](Self::route).
    fn expected_route(&self) -> Option<Cow<'_, str>> {
        self.route()
    }

    /// Address of the peer of the connection.
    fn peer(&self) -> Option<SocketAddr>;
}

/// Head of a request that is not yet routed.
impl<B> RequestHead for http::Request<B> {
    fn headers(&self) -> &impl Headers {
        self.headers()
    }

    fn method(&self) -> &str {
        self.method().as_str()
    }

    fn scheme(&self) -> &str {
        match self.version() {
            // The caller chooses the scheme of an absolute-form target, so it is not used.
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
