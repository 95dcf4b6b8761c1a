use std::{
    borrow::Cow,
    cell::{Cell, OnceCell, RefCell},
    net::IpAddr,
    str,
    sync::Arc,
};

use http::header;
use opentelemetry::StringValue;

use super::{
    facts::Facts,
    labels::RequestLabels,
    names,
    options::AttributeOptions,
    peer::push_peer,
    rpc::{self, GrpcCall},
    span_attributes::{EarlyKey, EarlyValue, SpanAttributes},
};
use crate::{
    base::parse_cache::ParseCache,
    http::{
        RequestHead, Scheme,
        forwarded::{client::ClientAddress, original::Forwarded},
        method::Method,
        route::RouteName,
        url::{self, authority::Authority, default_port},
    },
    propagation::Headers,
};

/// Attributes of an incoming request.
pub(crate) struct ServerAttributes<'a, R> {
    head: &'a R,
    attribute_options: &'a AttributeOptions,
    name_state: Cell<NameState>,
    route: Cell<Option<&'static str>>,
    is_grpc: Cell<bool>,
    forwarded: OnceCell<Forwarded<'a>>,
}

/// The route of a request when its span starts.
enum Route<'a> {
    Unknown,
    Known(Cow<'a, str>),
    /// The route that will probably match.
    Expected {
        route: Cow<'a, str>,
        is_attribute: bool,
    },
}

/// State of the span's name, which decides whether a later route changes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NameState {
    /// Whether a route matched; later routes are ignored.
    pub(crate) has_route: bool,
    /// Whether the option `span_name` chose the name; later routes do not change it.
    pub(crate) is_custom: bool,
    /// Whether the name contains a route that may not be the one that answers.
    pub(crate) is_expected: bool,
}

impl NameState {
    pub(crate) const COMPLETE: Self = Self { has_route: true, is_custom: true, is_expected: false };
}

impl<'a, R: RequestHead> ServerAttributes<'a, R> {
    pub(crate) fn new(head: &'a R, attribute_options: &'a AttributeOptions) -> Self {
        Self {
            head,
            attribute_options,
            name_state: Cell::default(),
            route: Cell::default(),
            is_grpc: Cell::default(),
            forwarded: OnceCell::new(),
        }
    }

    pub(crate) const fn head(&self) -> &'a R {
        self.head
    }

    pub(crate) const fn options(&self) -> &'a AttributeOptions {
        self.attribute_options
    }

    /// Returns the address of the client: that of the peer, or the one that trusted proxies report.
    pub(crate) fn client_address(&self) -> Option<IpAddr> {
        match self.forwarded() {
            Some(forwarded) => forwarded.client.map(|client| client.address),
            None => self.head.peer().map(|peer| peer.ip()),
        }
    }

    /// Returns the state of the name, valid after the attributes were described.
    pub(crate) const fn name_state(&self) -> NameState {
        self.name_state.get()
    }

    /// Returns the request as a gRPC call, if it claims to be one. Only the response shows whether the server has the
    /// method.
    pub(crate) fn grpc_call(&self) -> Option<GrpcCall<'a>> {
        self.is_grpc.get().then(|| GrpcCall::new(self.head.path(), self.head.headers()))
    }

    /// Returns the labels of the request, with the label of its server only if `has_server` is set.
    pub(crate) fn labels(&self, has_server: bool) -> RequestLabels {
        RequestLabels {
            method: Method::of(self.head.method()).as_attribute(),
            scheme: Some(scheme_label(self.scheme())),
            server: has_server.then(|| self.server()).flatten(),
            template: None,
        }
    }

    /// Returns the route as a label. It is looked up if no span has done so.
    pub(crate) fn route_label(&self) -> Option<&'static str> {
        self.route.get().or_else(|| {
            let method = Method::of(self.head.method()).as_span_name();
            RouteName::of(method, &self.head.route()?).label()
        })
    }

    fn push(&self, facts: &mut Facts, route: Route<'_>) -> Cow<'static, str> {
        let head = self.head;
        let method = Method::of(head.method());
        push_method(method, head.method(), facts);
        let forwarded = self.forwarded();
        let scheme = self.scheme();
        push_scheme(scheme, facts);
        let path = head.path();
        if !path.is_empty() {
            facts.text(names::URL_PATH, path);
        }
        if let Some(query) = head.query().filter(|query| !query.is_empty()) {
            let redacted = url::redact_query(query, &self.attribute_options.redacted_keys);
            facts.text(names::URL_QUERY, &redacted);
        }
        if let Some(version) = head.version() {
            facts.literal(names::NETWORK_PROTOCOL_VERSION, version.as_str());
        }
        push_headers(head, scheme, forwarded, facts);
        let name = self.push_route(method.as_span_name(), route, facts);
        self.push_rpc(facts);
        self.push_client(facts);
        self.attribute_options.push_request(head, facts);
        self.chosen_name().unwrap_or(name)
    }

    /// Returns the headers of the proxies, if some are trusted.
    #[inline]
    fn forwarded(&self) -> Option<&Forwarded<'a>> {
        let proxies = self.attribute_options.proxies.as_ref()?;
        let head = self.head;
        Some(self.forwarded.get_or_init(|| proxies.resolve(head.headers(), head.peer())))
    }

    #[inline]
    pub(crate) fn scheme(&self) -> &str {
        let forwarded = self.forwarded().and_then(|it| it.scheme);
        let known = forwarded.or_else(|| self.attribute_options.scheme.map(Scheme::as_str));
        known.unwrap_or_else(|| self.head.scheme())
    }

    fn server(&self) -> Option<(StringValue, Option<u16>)> {
        let [host] = self.head.headers().fields([&header::HOST]);
        server_of(self.head, self.scheme(), self.forwarded(), host.map(|host| host.first))
    }

    /// Adds the route and returns the name: `{method} {route}`, or `{method}` if no route is known.
    fn push_route(
        &self,
        method: &'static str,
        route: Route<'_>,
        facts: &mut Facts,
    ) -> Cow<'static, str> {
        let name = |route: Cow<'_, str>| RouteName::of(method, &route);
        match route {
            Route::Unknown => method.into(),
            Route::Known(route) => {
                let named = name(route);
                self.route.set(named.label());
                facts.cow(names::HTTP_ROUTE, named.route);
                self.name_state.set(NameState { has_route: true, ..self.name_state() });
                named.name
            }
            Route::Expected { route, is_attribute } => {
                let named = name(route);
                if is_attribute {
                    facts.cow(names::HTTP_ROUTE, named.route);
                }
                self.name_state.set(NameState { is_expected: true, ..self.name_state() });
                named.name
            }
        }
    }

    /// Returns the route that matched, or the one that will probably match.
    fn expected_route(&self, is_attribute: bool) -> Route<'a> {
        if let Some(route) = self.head.route() {
            return Route::Known(route);
        }
        let expected = self.head.expected_route();
        expected.map_or(Route::Unknown, |route| Route::Expected { route, is_attribute })
    }

    fn push_rpc(&self, facts: &mut Facts) {
        if self.is_rpc() {
            facts.literal(names::RPC_SYSTEM_NAME, "grpc");
            self.is_grpc.set(true);
        }
    }

    /// Returns the name that the option `span_name` chooses.
    fn chosen_name(&self) -> Option<Cow<'static, str>> {
        let name = self.attribute_options.chosen_name(self.head)?;
        self.name_state.set(NameState { is_custom: true, ..self.name_state() });
        Some(name)
    }

    fn is_rpc(&self) -> bool {
        self.head.method() == "POST"
            && self.head.headers().values(&header::CONTENT_TYPE).next().is_some_and(rpc::is_grpc)
    }

    fn push_client(&self, facts: &mut Facts) {
        let peer = self.head.peer();
        if let Some(peer) = peer {
            push_peer(peer, facts);
        }
        match (self.forwarded(), peer) {
            (Some(forwarded), _) => push_forwarded_client(forwarded.client, facts),
            (None, Some(peer)) => facts.address(names::CLIENT_ADDRESS, peer.ip()),
            (None, None) => {}
        }
    }
}

impl<R: RequestHead> SpanAttributes for ServerAttributes<'_, R> {
    #[inline]
    fn describe(&self, facts: &mut Facts) -> Cow<'static, str> {
        let route = self.head.route().map_or(Route::Unknown, Route::Known);
        self.attribute_options.with_limit(facts, |facts| self.push(facts, route))
    }

    fn describe_for_sampler(&self, facts: &mut Facts) -> Cow<'static, str> {
        let route = self.expected_route(true);
        self.attribute_options.with_limit(facts, |facts| self.push(facts, route))
    }

    fn describe_irrevocably(&self, facts: &mut Facts) -> Cow<'static, str> {
        let route = self.expected_route(false);
        self.attribute_options.with_limit(facts, |facts| self.push(facts, route))
    }

    fn early(&self, key: EarlyKey) -> EarlyValue<'_> {
        match key {
            EarlyKey::Method => {
                EarlyValue::Known(Method::of(self.head.method()).as_attribute().into())
            }
            EarlyKey::Path if self.head.path().is_empty() => EarlyValue::Absent,
            EarlyKey::Path => EarlyValue::Known(self.head.path().into()),
            EarlyKey::Route => match self.head.route().or_else(|| self.head.expected_route()) {
                Some(route) => EarlyValue::Known(route),
                None => EarlyValue::Late,
            },
        }
    }

    fn has_expected_route(&self) -> bool {
        self.name_state().is_expected
    }
}

/// Adds the attributes from the headers: the requested server and the user agent.
fn push_headers(
    head: &impl RequestHead,
    scheme: &str,
    forwarded: Option<&Forwarded<'_>>,
    facts: &mut Facts,
) {
    let [host, user_agent] = head.headers().fields([&header::HOST, &header::USER_AGENT]);
    if let Some((host, port)) = server_of(head, scheme, forwarded, host.map(|host| host.first)) {
        facts.shared(names::SERVER_ADDRESS, host);
        if let Some(port) = port {
            facts.int(names::SERVER_PORT, i64::from(port));
        }
    }
    if let Some(user_agent) = user_agent.and_then(|it| self::user_agent(it.first)) {
        facts.shared(names::USER_AGENT_ORIGINAL, user_agent);
    }
}

/// Returns host and port of the requested server. `host` is the `Host` header, for a target without a usable authority.
#[inline]
fn server_of(
    head: &impl RequestHead,
    scheme: &str,
    forwarded: Option<&Forwarded<'_>>,
    host: Option<&[u8]>,
) -> Option<(StringValue, Option<u16>)> {
    let forwarded_authority = forwarded.and_then(|it| it.authority.as_deref());
    let authority = forwarded_authority.or_else(|| head.authority()).map(str::as_bytes);
    let HostAndPort { host, port } =
        authority.and_then(server).or_else(|| host.and_then(server))?;
    Some((host, port.or_else(|| forwarded?.port).or_else(|| default_port(scheme))))
}

fn push_forwarded_client(client: Option<ClientAddress>, facts: &mut Facts) {
    let Some(ClientAddress { address, port }) = client else { return };
    facts.address(names::CLIENT_ADDRESS, address);
    if let Some(port) = port {
        facts.int(names::CLIENT_PORT, i64::from(port));
    }
}

/// Host and port, parsed and shared.
#[derive(Clone)]
struct HostAndPort {
    host: StringValue,
    port: Option<u16>,
}

thread_local! {
    static SERVERS: RefCell<ParseCache<Option<HostAndPort>>> = const { ParseCache::new() };
    static USER_AGENTS: RefCell<ParseCache<Option<StringValue>>> = const { ParseCache::new() };
}

/// Parses host and port of an authority or a `Host` header.
fn server(text: &[u8]) -> Option<HostAndPort> {
    let parse = |text: &[u8]| {
        let server = Authority::parse(str::from_utf8(text).ok()?)?;
        Some(HostAndPort { host: Arc::<str>::from(server.host).into(), port: server.port })
    };
    SERVERS.with_borrow_mut(|servers| servers.get_or_parse(text, parse))
}

/// Returns the user agent, or `None` if the field is empty or no text.
fn user_agent(text: &[u8]) -> Option<StringValue> {
    let parse = |text: &[u8]| {
        let text = str::from_utf8(text).ok().filter(|text| !text.is_empty())?;
        Some(Arc::<str>::from(text).into())
    };
    USER_AGENTS.with_borrow_mut(|user_agents| user_agents.get_or_parse(text, parse))
}

/// Adds the method, and its original spelling if it is not a known one.
pub(super) fn push_method(method: Method, original: &str, facts: &mut Facts) {
    facts.literal(names::HTTP_REQUEST_METHOD, method.as_attribute());
    if method == Method::Other {
        facts.text(names::HTTP_REQUEST_METHOD_ORIGINAL, original);
    }
}

fn push_scheme(scheme: &str, facts: &mut Facts) {
    match scheme {
        "http" => facts.literal(names::URL_SCHEME, "http"),
        "https" => facts.literal(names::URL_SCHEME, "https"),
        other => facts.text(names::URL_SCHEME, other),
    }
}

/// Returns the label of a scheme. A caller may send any scheme, so the others share one label.
fn scheme_label(scheme: &str) -> &'static str {
    match scheme {
        "http" => "http",
        "https" => "https",
        _ => "_OTHER",
    }
}
