use std::{borrow::Cow, net::IpAddr};

use http::header::USER_AGENT;

use crate::{
    http::{ProtocolVersion, RequestHead, method::Method, url::redact_query},
    propagation::Headers,
    semconv::server::ServerAttributes,
};

/// Values of a request that are not available when its exchange ends.
#[derive(Debug)]
pub(crate) struct LogEntry {
    /// A known method or `_OTHER`.
    pub(super) method: &'static str,
    pub(super) original_method: Option<Box<str>>,
    pub(super) path: Box<str>,
    pub(super) query: Option<Box<str>>,
    pub(super) scheme: Box<str>,
    pub(super) version: Option<ProtocolVersion>,
    pub(super) client: Option<IpAddr>,
    pub(super) user_agent: Option<Box<str>>,
}

impl LogEntry {
    pub(crate) fn new<R: RequestHead>(
        attributes: &ServerAttributes<'_, R>,
        with_query: bool,
    ) -> Self {
        let (head, options) = (attributes.head(), attributes.options());
        let limited = |text: &str| Box::<str>::from(options.truncated(text));
        let method = Method::of(head.method());
        let query = head.query().filter(|query| with_query && !query.is_empty());
        let user_agent = head.headers().values(&USER_AGENT).next().map(String::from_utf8_lossy);
        let is_other = method == Method::Other;
        Self {
            method: method.as_attribute(),
            original_method: is_other.then(|| limited(head.method())),
            path: limited(head.path()),
            query: query.map(|query| limited(&redact_query(query, &options.redacted_keys))),
            scheme: limited(attributes.scheme()),
            version: head.version(),
            client: attributes.client_address(),
            user_agent: user_agent.filter(|it| !it.is_empty()).map(|it: Cow<'_, str>| limited(&it)),
        }
    }
}
