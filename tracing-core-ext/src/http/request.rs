use std::{net::SocketAddr, str, sync::Arc};

use http::header;
use opentelemetry::{KeyValue, StringValue, Value};

use super::{
    authority::Authority, method::Method, route::RouteName, semconv, url, version::ProtocolVersion,
};
use crate::propagation::Headers;

/// Head of an incoming request, borrowed from the framework.
///
/// Frameworks differ in the `http` version they speak, so an adapter describes its request in these terms and the rest
/// is shared.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead<'a, H> {
    /// Method as sent.
    pub method: &'a str,
    /// `http` or `https`.
    pub scheme: &'a str,
    /// Host and port the caller asked for, from the request target (`:authority` in HTTP/2). The `Host` header stands
    /// in where there is none.
    pub authority: Option<&'a str>,
    /// Path, without the query.
    pub path: &'a str,
    /// Query, without the question mark.
    pub query: Option<&'a str>,
    /// Version of the protocol.
    pub version: Option<ProtocolVersion>,
    /// Pattern of the router that matched, such as `/items/{id}`.
    pub route: Option<&'a str>,
    /// The other end of the connection.
    pub peer: Option<SocketAddr>,
    /// Header fields.
    pub headers: &'a H,
}

/// What the sampler is shown, and more that costs nothing to add.
pub(crate) struct ServerSpanStart {
    pub(crate) name: std::borrow::Cow<'static, str>,
    pub(crate) attributes: Vec<KeyValue>,
}

/// Room for every attribute of a server span, those of the response too, so that the list never grows.
const SERVER_ATTRIBUTES: usize = 16;

impl<H: Headers> RequestHead<'_, H> {
    pub(crate) fn span_start(&self) -> ServerSpanStart {
        let method = Method::of(self.method);
        let mut attributes = Vec::with_capacity(SERVER_ATTRIBUTES);
        push(&mut attributes, semconv::HTTP_REQUEST_METHOD, method.as_attribute());
        push(&mut attributes, semconv::URL_SCHEME, scheme(self.scheme));
        push(&mut attributes, semconv::URL_PATH, self.path.to_owned());
        if method == Method::Other {
            push(&mut attributes, semconv::HTTP_REQUEST_METHOD_ORIGINAL, self.method.to_owned());
        }
        if let Some(query) = self.query.filter(|query| !query.is_empty()) {
            push(&mut attributes, semconv::URL_QUERY, url::redact_query(query).into_owned());
        }
        if let Some(version) = self.version {
            push(&mut attributes, semconv::NETWORK_PROTOCOL_VERSION, version.as_str());
        }
        self.push_server(&mut attributes);
        if let Some(user_agent) = self.header(&header::USER_AGENT) {
            push(&mut attributes, semconv::USER_AGENT_ORIGINAL, user_agent.to_owned());
        }
        let name = self.push_route(method, &mut attributes);
        ServerSpanStart { name, attributes }
    }

    /// Attributes that have to be formatted, so only for a span that is recorded.
    pub(crate) fn peer_attributes(&self) -> Option<[KeyValue; 3]> {
        let peer = self.peer?;
        let address: Arc<str> = peer.ip().to_canonical().to_string().into();
        Some([
            KeyValue::new(semconv::CLIENT_ADDRESS, Arc::clone(&address)),
            KeyValue::new(semconv::NETWORK_PEER_ADDRESS, address),
            KeyValue::new(semconv::NETWORK_PEER_PORT, i64::from(peer.port())),
        ])
    }

    fn push_server(&self, attributes: &mut Vec<KeyValue>) {
        let text = self.authority.or_else(|| self.header(&header::HOST));
        let Some(server) = text.and_then(Authority::parse) else {
            return;
        };
        push(attributes, semconv::SERVER_ADDRESS, server.host.to_owned());
        if let Some(port) = server.port.or_else(|| default_port(self.scheme)) {
            push(attributes, semconv::SERVER_PORT, i64::from(port));
        }
    }

    fn push_route(
        &self,
        method: Method,
        attributes: &mut Vec<KeyValue>,
    ) -> std::borrow::Cow<'static, str> {
        let Some(route) = self.route else {
            return method.as_span_name().into();
        };
        let named = RouteName::of(method.as_span_name(), route);
        push(attributes, semconv::HTTP_ROUTE, StringValue::from(named.route));
        named.name
    }

    /// The only value of a header; absent when it is not text or empty.
    fn header(&self, name: &http::HeaderName) -> Option<&str> {
        let value = self.headers.values(name).next()?;
        str::from_utf8(value).ok().filter(|text| !text.is_empty())
    }
}

fn push(attributes: &mut Vec<KeyValue>, key: &'static str, value: impl Into<Value>) {
    attributes.push(KeyValue::new(key, value));
}

fn scheme(scheme: &str) -> StringValue {
    match scheme {
        "http" => "http".into(),
        "https" => "https".into(),
        other => other.to_owned().into(),
    }
}

/// RFC 9110, sections 4.2.1 and 4.2.2.
fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}
