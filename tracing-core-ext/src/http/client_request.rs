use std::{borrow::Cow, net::SocketAddr};

use super::{
    request::RequestHead,
    url::{authority::Authority, default_port},
    version::ProtocolVersion,
};
use crate::propagation::Headers;

/// Head of an outgoing request, borrowed from the client library.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ClientRequestHead<'a, H> {
    /// Method as sent.
    pub method: &'a str,
    /// Absolute URL. Its credentials are redacted before it is recorded.
    pub url: &'a str,
    /// Host of the server. An IPv6 address has no brackets.
    pub host: Option<&'a str>,
    /// Port of the server.
    pub port: Option<u16>,
    /// Header fields.
    pub headers: &'a H,
    /// Template of the URL, such as `/items/{id}`. The span is named by it.
    pub template: Option<&'a str>,
    /// Number of times that this request was sent before.
    pub resend_count: u32,
}

impl<'a, H> ClientRequestHead<'a, H> {
    /// Creates the head of a request to the server in `url`. The port is that of the URL, or the
    /// default port of its scheme.
    ///
    /// ```
    /// use http::HeaderMap;
    /// use tracing_core_ext::http::ClientRequestHead;
    ///
    /// let headers = &HeaderMap::new();
    /// let head = ClientRequestHead::new("GET", "https://[::1]/items/7", headers);
    /// assert_eq!((head.host, head.port), (Some("::1"), Some(443)));
    /// ```
    pub fn new(method: &'a str, url: &'a str, headers: &'a H) -> Self {
        let (scheme, authority, ..) = parts(url);
        let server = Authority::parse(without_credentials(authority));
        let port = server.and_then(|server| server.port.or_else(|| default_port(scheme)));
        let host = server.map(|server| server.host);
        Self { method, url, host, port, headers, template: None, resend_count: 0 }
    }

    fn parts(&self) -> (&'a str, &'a str, &'a str, Option<&'a str>) {
        parts(self.url)
    }
}

/// Splits a URL into scheme, authority, path and query.
fn parts(url: &str) -> (&str, &str, &str, Option<&str>) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let rest = rest.split('#').next().unwrap_or("");
    let (before_query, query) = match rest.split_once('?') {
        Some((before, query)) => (before, Some(query)),
        None => (rest, None),
    };
    let path = before_query.find('/').unwrap_or(before_query.len());
    let (authority, path) = before_query.split_at(path);
    (scheme, authority, path, query)
}

fn without_credentials(authority: &str) -> &str {
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

impl<H: Headers> RequestHead for ClientRequestHead<'_, H> {
    fn headers(&self) -> &impl Headers {
        self.headers
    }

    fn method(&self) -> &str {
        self.method
    }

    fn scheme(&self) -> &str {
        self.parts().0
    }

    /// Returns the authority without its credentials.
    fn authority(&self) -> Option<&str> {
        let host = without_credentials(self.parts().1);
        (!host.is_empty()).then_some(host)
    }

    fn path(&self) -> &str {
        self.parts().2
    }

    fn query(&self) -> Option<&str> {
        self.parts().3
    }

    fn version(&self) -> Option<ProtocolVersion> {
        None
    }

    fn route(&self) -> Option<Cow<'_, str>> {
        self.template.map(Cow::Borrowed)
    }

    fn peer(&self) -> Option<SocketAddr> {
        None
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn parts(url: &str) -> (String, Option<String>, String, Option<String>) {
        let headers = &HeaderMap::new();
        let head = ClientRequestHead::new("GET", url, headers);
        let (authority, query) = (head.authority(), head.query());
        (head.scheme().into(), authority.map(Into::into), head.path().into(), query.map(Into::into))
    }

    #[test]
    fn a_url_has_its_parts() {
        let all = parts("https://joe:pw@shop.example:8443/items/7?page=2#top");
        let authority = Some("shop.example:8443".to_owned());
        assert_eq!(all, ("https".into(), authority, "/items/7".into(), Some("page=2".into())));
        let least = parts("http://h");
        assert_eq!(least, ("http".into(), Some("h".into()), String::new(), None));
    }

    #[test]
    fn a_url_names_the_server() {
        let server = |url| {
            let headers = &HeaderMap::new();
            let head = ClientRequestHead::new("GET", url, headers);
            (head.host.map(str::to_owned), head.port)
        };
        let at = |host: &str, port| (Some(host.to_owned()), port);
        assert_eq!(server("http://shop.example/"), at("shop.example", Some(80)));
        assert_eq!(server("https://joe:pw@shop.example?a"), at("shop.example", Some(443)));
        assert_eq!(server("http://[::1]:8080/a"), at("::1", Some(8080)));
        assert_eq!(server("shop.example:443"), at("shop.example", Some(443)));
        assert_eq!(server("unix://socket"), at("socket", None));
        for nowhere in ["/items", "", "http:///items", "http://a b/"] {
            assert_eq!(server(nowhere), (None, None), "{nowhere}");
        }
    }

    #[test]
    fn what_is_no_url_has_no_authority() {
        assert_eq!(parts("/items?a"), (String::new(), None, "/items".into(), Some("a".into())));
    }
}
