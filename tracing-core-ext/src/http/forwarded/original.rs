//! The request as its client sent it.

use std::borrow::Cow;

use super::client::ClientAddress;
use crate::http::url::authority::Authority;

/// A request as its client sent it, as far as trusted proxies tell.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Forwarded<'a> {
    /// The peer where no proxy stands between; absent where a proxy hides it.
    pub(crate) client: Option<ClientAddress>,
    pub(crate) scheme: Option<&'static str>,
    /// Text of an [`Authority`].
    pub(crate) authority: Option<Cow<'a, str>>,
    /// Port of the server, for an authority that names none.
    pub(crate) port: Option<u16>,
}

pub(super) fn scheme(text: &str) -> Option<&'static str> {
    ["http", "https"].into_iter().find(|known| text.eq_ignore_ascii_case(known))
}

pub(super) fn authority(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    Authority::parse(&text).is_some().then_some(text)
}
