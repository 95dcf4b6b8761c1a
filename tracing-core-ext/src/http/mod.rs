//! HTTP in the terms of the semantic conventions: request heads, names of bounded cardinality,
//! redacted URLs.

mod captured_headers;
mod client_request;
pub(crate) mod forwarded;
pub(crate) mod method;
mod request;
mod request_id;
mod response;
pub(crate) mod route;
pub(crate) mod url;
mod version;
mod view;

pub(crate) use self::request_id::X_REQUEST_ID;
pub use self::{
    captured_headers::{CapturedHeaders, InvalidHeader},
    client_request::ClientRequestHead,
    forwarded::{InvalidNetwork, TrustedProxies},
    request::RequestHead,
    request_id::RequestId,
    response::ResponseHead,
    url::{
        Scheme,
        allowed_hosts::{AllowedHosts, InvalidHost},
    },
    version::ProtocolVersion,
    view::{RequestView, ResponseView},
};
