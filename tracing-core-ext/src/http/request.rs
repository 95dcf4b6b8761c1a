use std::{borrow::Cow, cell::RefCell, net::SocketAddr, str, sync::Arc};

use http::header;
use opentelemetry::{KeyValue, StringValue};

use super::{
    authority::Authority,
    describe::{Describe, put},
    method::Method,
    peer::put_peer,
    recent::Recent,
    route::RouteName,
    semconv, url,
    version::ProtocolVersion,
};
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

    /// `http` or `https`.
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
        self.uri().scheme_str().unwrap_or("http")
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

impl<R: RequestHead> Describe for R {
    /// The name is `{method} {route}`, or `{method}` where no route is known.
    fn before_sampling(&self, add: &mut dyn FnMut(KeyValue)) -> Cow<'static, str> {
        let method = Method::of(self.method());
        method.put(self.method(), add);
        put(add, semconv::URL_SCHEME, scheme(self.scheme()));
        if !self.path().is_empty() {
            put(add, semconv::URL_PATH, self.path().to_owned());
        }
        if let Some(query) = self.query().filter(|query| !query.is_empty()) {
            put(add, semconv::URL_QUERY, url::redact_query(query).into_owned());
        }
        if let Some(version) = self.version() {
            put(add, semconv::NETWORK_PROTOCOL_VERSION, version.as_str());
        }
        put_headers(self, add);
        let Some(route) = self.route() else {
            return method.as_span_name().into();
        };
        let named = RouteName::of(method.as_span_name(), &route);
        put(add, semconv::HTTP_ROUTE, StringValue::from(named.route));
        named.name
    }

    fn when_recorded(&self, add: &mut dyn FnMut(KeyValue)) {
        let Some(peer) = self.peer() else { return };
        let address = put_peer(peer, add);
        put(add, semconv::CLIENT_ADDRESS, address);
    }
}

/// What the header names: the server that was asked, and by what.
fn put_headers(head: &impl RequestHead, add: &mut dyn FnMut(KeyValue)) {
    let [host, user_agent] = head.headers().fields([&header::HOST, &header::USER_AGENT]);
    let authority = head.authority().map(str::as_bytes).or(host.map(|host| host.first));
    if let Some(server) = authority.and_then(server) {
        put(add, semconv::SERVER_ADDRESS, server.host);
        if let Some(port) = server.port.or_else(|| default_port(head.scheme())) {
            put(add, semconv::SERVER_PORT, i64::from(port));
        }
    }
    if let Some(user_agent) = user_agent.and_then(|it| self::user_agent(it.first)) {
        put(add, semconv::USER_AGENT_ORIGINAL, user_agent);
    }
}

/// Host and port, parsed and shared.
#[derive(Clone)]
struct Server {
    host: StringValue,
    port: Option<u16>,
}

thread_local! {
    static SERVERS: RefCell<Recent<Option<Server>>> = const { Recent::new() };
    static USER_AGENTS: RefCell<Recent<Option<StringValue>>> = const { Recent::new() };
}

/// Host and port in an authority or a `Host` header.
fn server(text: &[u8]) -> Option<Server> {
    let parse = |text: &[u8]| {
        let server = Authority::parse(str::from_utf8(text).ok()?)?;
        Some(Server { host: Arc::<str>::from(server.host).into(), port: server.port })
    };
    SERVERS.with_borrow_mut(|servers| servers.recall(text, parse))
}

/// Absent where it is empty or no text.
fn user_agent(text: &[u8]) -> Option<StringValue> {
    let parse = |text: &[u8]| {
        let text = str::from_utf8(text).ok().filter(|text| !text.is_empty())?;
        Some(Arc::<str>::from(text).into())
    };
    USER_AGENTS.with_borrow_mut(|user_agents| user_agents.recall(text, parse))
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
