//! HTTP as the semantic conventions see it: heads of requests, bounded names, redacted URLs.

mod authority;
mod client_request;
mod describe;
mod method;
mod recent;
mod request;
mod route;
pub(crate) mod semconv;
mod url;
mod version;

pub(crate) use self::describe::Describe;
pub use self::{client_request::ClientRequestHead, request::RequestHead, version::ProtocolVersion};
