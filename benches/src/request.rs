//! The request that is measured.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::Mode;

/// Route as the router is given it.
pub const ROUTE: &str = "/items/{id}";

/// Path the request asks for.
pub const PATH: &str = "/items/7";

/// Route of a body of as many frames as the path says.
pub const FRAMES_ROUTE: &str = "/frames/{count}";

/// Header fields every request carries.
pub const HEADERS: [(&str, &str); 4] = [
    ("host", "shop.example:8080"),
    ("user-agent", "curl/8.14.1"),
    ("accept", "*/*"),
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
];

/// Address of the peer, for the services that know it.
pub(crate) const PEER: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7)), 51_044);

/// One more field, for the cases with it: what two tracing systems on the way have left.
pub const TRACESTATE: (&str, &str) = ("tracestate", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE");

/// Fields of one request.
pub(crate) fn headers(mode: Mode) -> impl Iterator<Item = (&'static str, &'static str)> {
    HEADERS.into_iter().chain(mode.has_tracestate().then_some(TRACESTATE))
}

/// What has to be asked for, and how often, to get `count` of what a mode measures.
pub(crate) fn plan(mode: Mode, count: usize) -> (String, usize) {
    match mode {
        Mode::Frames => (format!("/frames/{count}"), 1),
        _ => (PATH.to_owned(), count),
    }
}
