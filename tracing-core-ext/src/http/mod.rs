//! HTTP as the semantic conventions see it: heads of requests, bounded names, redacted URLs.

mod authority;
mod client_request;
mod describe;
mod method;
mod peer;
mod recent;
mod request;
mod route;
pub(crate) mod semconv;
mod url;
mod version;

pub use self::{client_request::ClientRequestHead, request::RequestHead, version::ProtocolVersion};
pub(crate) use self::{describe::Describe, method::Method, peer::put_peer};
