mod any_bytes;
mod forwarded;
mod x_forwarded;

use std::net::SocketAddr;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::{client::ClientAddress, original::Forwarded, proxies::TrustedProxies};

const FOR: &str = "x-forwarded-for";
const PROTO: &str = "x-forwarded-proto";
const HOST: &str = "x-forwarded-host";
const PORT: &str = "x-forwarded-port";
const FORWARDED: &str = "forwarded";

/// Address of the nearest proxy, which is in a trusted network.
const PROXY: &str = "10.0.0.1:40000";
const TRUSTED: [&str; 2] = ["10.0.0.0/8", "fd00::/8"];
const CALLER: &str = "203.0.113.9";

const BOTH: [(&str, &str); 5] = [
    (FOR, "198.51.100.1"),
    (PROTO, "https"),
    (HOST, "x.example"),
    (PORT, "8443"),
    (FORWARDED, "for=198.51.100.2;proto=http;host=f.example"),
];

fn headers(lines: &[(&'static str, &[u8])]) -> HeaderMap {
    let lines = lines.iter().map(|(name, value)| {
        (HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap())
    });
    let mut headers = HeaderMap::new();
    lines.for_each(|(name, value)| _ = headers.append(name, value));
    headers
}

fn texts<'a>(lines: &[(&'static str, &'a str)]) -> Vec<(&'static str, &'a [u8])> {
    lines.iter().map(|(name, value)| (*name, value.as_bytes())).collect()
}

/// Trusted proxies and peer of a request under test.
struct Stage {
    trusted: TrustedProxies,
    peer: Option<SocketAddr>,
}

fn x_forwarded() -> Stage {
    let trusted = TrustedProxies::x_forwarded(TRUSTED).unwrap();
    Stage { trusted, peer: Some(PROXY.parse().unwrap()) }
}

fn forwarded() -> Stage {
    Stage { trusted: TrustedProxies::forwarded(TRUSTED).unwrap(), ..x_forwarded() }
}

impl Stage {
    fn peer(self, peer: &str) -> Self {
        Self { peer: Some(peer.parse().unwrap()), ..self }
    }

    #[track_caller]
    fn assert(&self, lines: &[(&'static str, &str)], expected: &Forwarded<'_>) {
        let headers = headers(&texts(lines));
        assert_eq!(&self.trusted.resolve(&headers, self.peer), expected, "{lines:?}");
    }
}

fn client(node: &str) -> Forwarded<'_> {
    Forwarded { client: Some(ClientAddress::parse(node).unwrap()), ..nothing() }
}

fn nothing<'a>() -> Forwarded<'a> {
    Forwarded::default()
}

impl<'a> Forwarded<'a> {
    fn scheme(self, scheme: &'static str) -> Self {
        Self { scheme: Some(scheme), ..self }
    }

    fn authority(self, authority: &'a str) -> Self {
        Self { authority: Some(authority.into()), ..self }
    }

    fn port(self, port: u16) -> Self {
        Self { port: Some(port), ..self }
    }
}

#[test]
fn a_peer_that_is_no_trusted_proxy_is_the_client_whatever_it_says() {
    for stage in [x_forwarded(), forwarded()] {
        stage.peer("203.0.113.9:50000").assert(&BOTH, &client("203.0.113.9:50000"));
    }
}

#[test]
fn who_is_not_known_is_not_believed() {
    let stage = Stage { peer: None, ..x_forwarded() };
    stage.assert(&BOTH, &nothing());
}

#[test]
fn a_trusted_proxy_that_says_nothing_calls_by_itself() {
    for stage in [x_forwarded(), forwarded()] {
        stage.assert(&[], &client(PROXY));
        stage.assert(&[(FOR, " , "), (FORWARDED, ",")], &client(PROXY));
    }
}

#[test]
fn of_both_families_only_the_chosen_one_is_believed() {
    let x = client("198.51.100.1").scheme("https").authority("x.example").port(8443);
    x_forwarded().assert(&BOTH, &x);
    let f = client("198.51.100.2").scheme("http").authority("f.example");
    forwarded().assert(&BOTH, &f);
    x_forwarded().assert(&BOTH[4..], &client(PROXY));
    forwarded().assert(&BOTH[..4], &client(PROXY));
}

#[test]
fn a_proxy_on_a_dual_stack_socket_is_known_by_its_ipv4_address() {
    let stage = x_forwarded().peer("[::ffff:10.0.0.1]:40000");
    stage.assert(&[(FOR, CALLER)], &client(CALLER));
}

#[test]
fn a_proxy_may_have_an_ipv6_address() {
    let stage = x_forwarded().peer("[fd00::1]:40000");
    stage.assert(&[(FOR, CALLER)], &client(CALLER));
}

#[test]
fn usual_headers_are_read_without_allocating() {
    let headers = headers(&texts(&[
        (FOR, "203.0.113.9, 10.0.0.2"),
        (PROTO, "https, http"),
        (HOST, "shop.example"),
        (PORT, "443"),
        (FORWARDED, "for=203.0.113.9;proto=https;host=\"shop.example:8443\", for=\"[fd00::2]\""),
    ]));
    for stage in [x_forwarded(), forwarded()] {
        let allocated = allocation_counter::measure(|| {
            let resolved = stage.trusted.resolve(&headers, stage.peer);
            assert_eq!(resolved.scheme, Some("https"));
        });
        assert_eq!(allocated.count_total, 0);
    }
}
