use opentelemetry::KeyValue;

use super::{
    describe::{Describe, put},
    semconv,
    span_name::SpanName,
    url,
};

/// Head of an outgoing request, borrowed from the client library.
#[derive(Clone, Copy, Debug)]
pub struct ClientRequestHead<'a> {
    /// Method as sent.
    pub method: &'a str,
    /// Absolute URL; credentials in it are redacted before they are recorded.
    pub url: &'a str,
    /// Host of the server, an IPv6 address without brackets.
    pub host: Option<&'a str>,
    /// Port of the server.
    pub port: Option<u16>,
}

impl ClientRequestHead<'_> {
    pub(crate) fn span_name(&self) -> SpanName {
        SpanName::of(self.method, None)
    }
}

/// A request and what its span is called.
#[derive(Debug)]
pub(crate) struct NamedClientRequest<'a>(
    pub(crate) &'a ClientRequestHead<'a>,
    pub(crate) &'a SpanName,
);

impl Describe for NamedClientRequest<'_> {
    fn before_sampling(&self, add: &mut dyn FnMut(KeyValue)) {
        let Self(head, name) = self;
        name.put_method(head.method, add);
        put(add, semconv::URL_FULL, url::redact_url(head.url).into_owned());
        if let Some(host) = head.host {
            put(add, semconv::SERVER_ADDRESS, host.to_owned());
        }
        if let Some(port) = head.port {
            put(add, semconv::SERVER_PORT, i64::from(port));
        }
    }
}
