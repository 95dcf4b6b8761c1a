use std::net::SocketAddr;

use axum::extract::{ConnectInfo, MatchedPath};
use http::{HeaderMap, Request};
use tracing_core_ext::http::{ProtocolVersion, RequestHead};

/// The request in the terms of the exchange.
pub(crate) fn head<B>(request: &Request<B>) -> RequestHead<'_, HeaderMap> {
    let uri = request.uri();
    RequestHead {
        method: request.method().as_str(),
        scheme: uri.scheme_str().unwrap_or("http"),
        authority: uri.authority().map(http::uri::Authority::as_str),
        path: uri.path(),
        query: uri.query(),
        version: ProtocolVersion::from_http(request.version()),
        route: request.extensions().get::<MatchedPath>().map(MatchedPath::as_str),
        peer: request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0),
        headers: request.headers(),
    }
}
