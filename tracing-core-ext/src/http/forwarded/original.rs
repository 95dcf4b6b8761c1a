//! Values of a request as its client sent it.

use std::borrow::Cow;

use super::client::ClientAddress;
use crate::http::url::authority::Authority;

/// Client, scheme and authority of a request, as trusted proxies report them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Forwarded<'a> {
    /// Address of the client: the peer if no proxy is trusted. `None` if a proxy hides it.
    pub(crate) client: Option<ClientAddress>,
    pub(crate) scheme: Option<&'static str>,
    /// Text of a valid [`Authority`].
    pub(crate) authority: Option<Cow<'a, str>>,
    /// Port of the server, for an authority without a port.
    pub(crate) port: Option<u16>,
}

pub(super) fn scheme(text: &str) -> Option<&'static str> {
    ["http", "https"].into_iter().find(|known| text.eq_ignore_ascii_case(known))
}

pub(super) fn authority(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    Authority::parse(&text).is_some().then_some(text)
}
