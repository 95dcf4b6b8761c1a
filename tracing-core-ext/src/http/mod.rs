//! HTTP as the semantic conventions see it: heads of requests, bounded names, redacted URLs.

mod allowed_hosts;
mod authority;
mod capture;
mod client_request;
mod describe;
mod detail;
mod forwarded;
mod method;
mod peer;
mod recent;
mod request;
mod response;
mod route;
mod rpc;
pub(crate) mod semconv;
mod server_description;
mod status;
mod url;
mod version;
mod view;
mod websocket;

#[cfg(feature = "telemetry")]
pub(crate) use self::detail::cut;
pub use self::{
    allowed_hosts::{AllowedHosts, InvalidHost},
    capture::{CapturedHeaders, InvalidHeader},
    client_request::ClientRequestHead,
    forwarded::{InvalidNetwork, TrustedProxies},
    request::RequestHead,
    response::ResponseHead,
    version::ProtocolVersion,
    view::{RequestView, ResponseView},
};
pub(crate) use self::{
    client_request::ClientDescription,
    describe::Describe,
    detail::Detail,
    method::Method,
    peer::put_peer,
    route::RouteName,
    rpc::{RpcStatus, is_grpc},
    server_description::{Naming, ServerDescription},
    status::status_text,
    websocket::WebSocketDescription,
};
