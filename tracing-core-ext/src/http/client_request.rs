use std::borrow::Cow;

use opentelemetry::KeyValue;

use super::{method::Method, semconv, url};

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

/// Room for every attribute of a client span, those of the response too.
const CLIENT_ATTRIBUTES: usize = 10;

impl ClientRequestHead<'_> {
    pub(crate) fn span_name(&self) -> Cow<'static, str> {
        Method::of(self.method).as_span_name().into()
    }

    pub(crate) fn attributes(&self) -> Vec<KeyValue> {
        let method = Method::of(self.method);
        let mut attributes = Vec::with_capacity(CLIENT_ATTRIBUTES);
        attributes.push(KeyValue::new(semconv::HTTP_REQUEST_METHOD, method.as_attribute()));
        if method == Method::Other {
            let original = self.method.to_owned();
            attributes.push(KeyValue::new(semconv::HTTP_REQUEST_METHOD_ORIGINAL, original));
        }
        let full = url::redact_url(self.url).into_owned();
        attributes.push(KeyValue::new(semconv::URL_FULL, full));
        if let Some(host) = self.host {
            attributes.push(KeyValue::new(semconv::SERVER_ADDRESS, host.to_owned()));
        }
        if let Some(port) = self.port {
            attributes.push(KeyValue::new(semconv::SERVER_PORT, i64::from(port)));
        }
        attributes
    }
}
