use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use tracing_core_ext::propagation::{Headers, HeadersMut};

/// Header names in the older version of `http` that actix-web uses, parsed once.
static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
static BAGGAGE: HeaderName = HeaderName::from_static("baggage");
static X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Header fields of a message, for extraction.
pub(crate) struct ActixHeaders<'a>(pub(crate) &'a HeaderMap);

impl Headers for ActixHeaders<'_> {
    fn values<'a>(&'a self, name: &http::HeaderName) -> impl Iterator<Item = &'a [u8]> {
        let values = match known(name.as_str()) {
            Some(known) => self.0.get_all(known),
            None => self.0.get_all(name.as_str()),
        };
        values.map(HeaderValue::as_bytes)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(HeaderName::as_str)
    }
}

fn known(name: &str) -> Option<&'static HeaderName> {
    match name {
        "traceparent" => Some(&TRACEPARENT),
        "tracestate" => Some(&TRACESTATE),
        "baggage" => Some(&BAGGAGE),
        "x-request-id" => Some(&X_REQUEST_ID),
        "host" => Some(&header::HOST),
        "user-agent" => Some(&header::USER_AGENT),
        "content-type" => Some(&header::CONTENT_TYPE),
        _ => None,
    }
}

/// Mutable header fields of a message, for injection.
pub(crate) struct ActixHeadersMut<'a>(pub(crate) &'a mut HeaderMap);

impl HeadersMut for ActixHeadersMut<'_> {
    fn set(&mut self, name: &http::HeaderName, value: &[u8]) {
        if let Some((name, value)) = parse(name, value) {
            self.0.insert(name, value);
        }
    }

    fn append(&mut self, name: &http::HeaderName, value: &[u8]) {
        if let Some((name, value)) = parse(name, value) {
            self.0.append(name, value);
        }
    }

    fn remove(&mut self, name: &http::HeaderName) {
        self.0.remove(name.as_str());
    }

    fn remove_prefix(&mut self, prefix: &str) {
        self.0.retain(|name, _| !name.as_str().starts_with(prefix));
    }
}

fn parse(name: &http::HeaderName, value: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
    Some((name, HeaderValue::from_bytes(value).ok()?))
}
