use std::borrow::Cow;

use opentelemetry::KeyValue;

use super::{
    describe::{Describe, put},
    method::Method,
    semconv, url,
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

impl Describe for ClientRequestHead<'_> {
    /// The name is `{method}`: a path would make a name of every resource.
    fn before_sampling(&self, add: &mut dyn FnMut(KeyValue)) -> Cow<'static, str> {
        let method = Method::of(self.method);
        method.put(self.method, add);
        put(add, semconv::URL_FULL, url::redact_url(self.url).into_owned());
        if let Some(host) = self.host {
            put(add, semconv::SERVER_ADDRESS, host.to_owned());
        }
        if let Some(port) = self.port {
            put(add, semconv::SERVER_PORT, i64::from(port));
        }
        method.as_span_name().into()
    }
}
