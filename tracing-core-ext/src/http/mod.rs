//! HTTP as the semantic conventions see it: heads of requests, bounded names, redacted URLs.

mod authority;
mod client_request;
mod describe;
#[cfg_attr(not(test), expect(dead_code, reason = "the description of a request does not ask yet"))]
mod forwarded;
mod method;
mod peer;
mod recent;
mod request;
mod route;
pub(crate) mod semconv;
mod url;
mod version;

pub use self::{
    client_request::ClientRequestHead,
    forwarded::{InvalidNetwork, TrustedProxies},
    request::RequestHead,
    version::ProtocolVersion,
};
pub(crate) use self::{describe::Describe, method::Method, peer::put_peer};
