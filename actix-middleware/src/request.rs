use std::{borrow::Cow, net::SocketAddr};

use actix_web::{
    HttpMessage,
    dev::{Payload, ServiceRequest},
    http::{Version, uri::Authority},
};
use futures_util::StreamExt;
use tracing_core_ext::{
    exchange::BodyCounter,
    http::{ProtocolVersion, RequestHead},
    propagation::Headers,
};

use crate::headers::ActixHeaders;

/// Request with its values from actix-web: the expected route and the connection.
pub(crate) struct ActixRequest<'a> {
    request: &'a ServiceRequest,
    headers: ActixHeaders<'a>,
}

impl<'a> ActixRequest<'a> {
    pub(crate) fn of(request: &'a ServiceRequest) -> Self {
        Self { request, headers: ActixHeaders(request.headers()) }
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

    /// The route is unknown before routing, because a guard may select another resource than the
    /// first that matches.
    fn route(&self) -> Option<Cow<'_, str>> {
        None
    }

    fn expected_route(&self) -> Option<Cow<'_, str>> {
        self.request.match_pattern().map(Cow::Owned)
    }

    fn peer(&self) -> Option<SocketAddr> {
        self.request.peer_addr()
    }
}

pub(crate) const fn protocol_version(version: Version) -> Option<ProtocolVersion> {
    match version {
        Version::HTTP_10 => Some(ProtocolVersion::Http10),
        Version::HTTP_11 => Some(ProtocolVersion::Http11),
        Version::HTTP_2 => Some(ProtocolVersion::Http2),
        Version::HTTP_3 => Some(ProtocolVersion::Http3),
        _ => None,
    }
}

/// Counts the bytes of the body into `size` as they are read.
pub(crate) fn count_body(request: &mut ServiceRequest, size: BodyCounter) {
    size.add(0);
    let counted = request.take_payload().inspect(move |chunk| {
        if let Ok(chunk) = chunk {
            size.add(chunk.len() as u64);
        }
    });
    request.set_payload(Payload::Stream { payload: counted.boxed_local() });
}
