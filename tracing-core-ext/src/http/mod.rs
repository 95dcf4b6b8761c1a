//! HTTP as the semantic conventions see it: heads of requests, bounded names, redacted URLs.

mod authority;
mod client_request;
mod describe;
mod method;
mod recent;
mod request;
mod route;
pub(crate) mod semconv;
mod span_name;
mod url;
mod version;

pub use self::{client_request::ClientRequestHead, request::RequestHead, version::ProtocolVersion};
pub(crate) use self::{
    client_request::NamedClientRequest, describe::Describe, request::NamedRequest,
};
