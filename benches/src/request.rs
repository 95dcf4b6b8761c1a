//! The measured request.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::Mode;

/// Route in the router.
pub const ROUTE: &str = "/items/{id}";

/// Path of the request.
pub const PATH: &str = "/items/7";

/// Route of a body with the number of frames in the path.
pub const FRAMES_ROUTE: &str = "/frames/{count}";

/// Header fields of every request.
pub const HEADERS: [(&str, &str); 4] = [
    ("host", "shop.example:8080"),
    ("user-agent", "curl/8.14.1"),
    ("accept", "*/*"),
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
];

/// Address of the peer, for services that read it.
pub(crate) const PEER: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7)), 51_044);

/// Additional field for some cases, with members of two tracing systems.
pub const TRACESTATE: (&str, &str) = ("tracestate", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE");

/// Returns the fields of one request.
pub(crate) fn headers(mode: Mode) -> impl Iterator<Item = (&'static str, &'static str)> {
    HEADERS.into_iter().chain(mode.has_tracestate().then_some(TRACESTATE))
}

/// Returns the path and the number of requests for `count` units of a mode.
pub(crate) fn plan(mode: Mode, count: usize) -> (String, usize) {
    match mode {
        Mode::Frames => (format!("/frames/{count}"), 1),
        _ => (PATH.to_owned(), count),
    }
}
