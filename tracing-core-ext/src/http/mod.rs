//! HTTP as the semantic conventions see it: heads of requests, bounded names, redacted URLs.

mod allowed_hosts;
pub(crate) mod authority;
mod captured_headers;
mod client_request;
pub(crate) mod forwarded;
pub(crate) mod method;
mod request;
mod response;
pub(crate) mod route;
pub(crate) mod url;
mod version;
mod view;

pub use self::{
    allowed_hosts::{AllowedHosts, InvalidHost},
    captured_headers::{CapturedHeaders, InvalidHeader},
    client_request::ClientRequestHead,
    forwarded::{InvalidNetwork, TrustedProxies},
    request::RequestHead,
    response::ResponseHead,
    url::Scheme,
    version::ProtocolVersion,
    view::{RequestView, ResponseView},
};
