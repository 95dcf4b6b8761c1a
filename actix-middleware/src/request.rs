use std::{borrow::Cow, net::SocketAddr};

use actix_web::{
    dev::ServiceRequest,
    http::{
        Version,
        header::{self, HeaderMap, HeaderName},
        uri::Authority,
    },
};
use tracing_core_ext::{
    http::{ProtocolVersion, RequestHead},
    propagation::Headers,
};

/// actix-web speaks an older `http` than the rest, whose names are parsed once, here.
static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
static BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// A request with what actix-web knows of it: the route it will take and the connection.
pub(crate) struct ActixRequest<'a> {
    request: &'a ServiceRequest,
    headers: FieldView<'a>,
}

impl<'a> ActixRequest<'a> {
    pub(crate) fn of(request: &'a ServiceRequest) -> Self {
        Self { request, headers: FieldView(request.headers()) }
    }
}

impl RequestHead for ActixRequest<'_> {
    fn headers(&self) -> &impl Headers {
        &self.headers
    }

    fn method(&self) -> &str {
        self.request.method().as_str()
    }

    fn scheme(&self) -> &str {
        if self.request.app_config().secure() { "https" } else { "http" }
    }

    fn authority(&self) -> Option<&str> {
        self.request.uri().authority().map(Authority::as_str)
    }

    fn path(&self) -> &str {
        self.request.uri().path()
    }

    fn query(&self) -> Option<&str> {
        self.request.uri().query()
    }

    fn version(&self) -> Option<ProtocolVersion> {
        protocol_version(self.request.version())
    }

    fn route(&self) -> Option<Cow<'_, str>> {
        self.request.match_pattern().map(Cow::Owned)
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.request.peer_addr()
    }
}

const fn protocol_version(version: Version) -> Option<ProtocolVersion> {
    match version {
        Version::HTTP_10 => Some(ProtocolVersion::Http10),
        Version::HTTP_11 => Some(ProtocolVersion::Http11),
        Version::HTTP_2 => Some(ProtocolVersion::Http2),
        Version::HTTP_3 => Some(ProtocolVersion::Http3),
        _ => None,
    }
}

pub(crate) struct FieldView<'a>(&'a HeaderMap);

impl Headers for FieldView<'_> {
    fn values<'a>(&'a self, name: &http::HeaderName) -> impl Iterator<Item = &'a [u8]> {
        let values = match known(name.as_str()) {
            Some(known) => self.0.get_all(known),
            None => self.0.get_all(name.as_str()),
        };
        values.map(header::HeaderValue::as_bytes)
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
        "host" => Some(&header::HOST),
        "user-agent" => Some(&header::USER_AGENT),
        _ => None,
    }
}
