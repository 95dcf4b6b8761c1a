//! Entry points of the fuzz targets in `fuzz/`, only with `cfg(fuzzing)`, which cargo-fuzz sets.
//!
//! They call the code that reads bytes from the network or from files, and return what it has read.

mod config;
#[cfg(feature = "prometheus")]
mod control;
#[cfg(feature = "prometheus")]
mod exposition;
#[cfg(all(feature = "otlp", feature = "jaeger"))]
mod responses;

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use opentelemetry::{Context, SpanId, TraceFlags, TraceId};

pub use self::config::{ConfigFile, config_file};
#[cfg(all(feature = "otlp", feature = "jaeger"))]
pub use self::responses::{Export, Received, jaeger_response, otlp_response, retry_after};
#[cfg(feature = "prometheus")]
pub use self::{
    control::ControlledService,
    exposition::{Exemplar, Scrape, scrape},
};
use crate::{
    base::redacted_url,
    exchange::outcome::reason,
    http::{TrustedProxies, url},
    propagation::{Propagator, extracted::NewSpanIds, w3c::ot_member::OtUpdate},
};

/// Values that trusted proxies report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forwarded {
    /// Address and port of the client.
    pub client: Option<(IpAddr, Option<u16>)>,
    /// Scheme.
    pub scheme: Option<&'static str>,
    /// Host and port of the server.
    pub authority: Option<String>,
    /// Port of the server.
    pub port: Option<u16>,
}

/// Returns what the proxies report about a request from `peer`.
pub fn forwarded(proxies: &TrustedProxies, headers: &HeaderMap, peer: SocketAddr) -> Forwarded {
    let read = proxies.resolve(headers, Some(peer));
    Forwarded {
        client: read.client.map(|client| (client.address, client.port)),
        scheme: read.scheme,
        authority: read.authority.map(Into::into),
        port: read.port,
    }
}

/// Returns the context of a request that is not recorded. Its `tracestate` may not be parsed yet.
pub fn extract_not_recorded(propagator: &Propagator, headers: &HeaderMap) -> Context {
    let inbound = propagator.extract_lazy(headers);
    let trace_id = inbound.parent().map(|parent| parent.trace_id);
    inbound.into_non_recording(NewSpanIds {
        trace_id: trace_id.unwrap_or(TraceId::from(1)),
        span_id: SpanId::from(1),
        root_flags: TraceFlags::NOT_SAMPLED,
        ot: OtUpdate::Keep,
    })
}

/// Returns a URL as it is recorded in `url.full`, with further sensitive keys.
pub fn recorded_url(url: &str, more: &[Box<str>]) -> String {
    url::redact_url(url, more).into_owned()
}

/// Returns a query as it is recorded in `url.query`, with further sensitive keys.
pub fn recorded_query(query: &str, more: &[Box<str>]) -> String {
    url::redact_query(query, more).into_owned()
}

/// Returns the message of an error as it is recorded, with further sensitive keys.
pub fn recorded_message(message: &str, more: &[Box<str>]) -> String {
    reason::redact_urls(message, more)
}

/// Returns the value of a setting with a URL as it is logged.
pub fn logged_setting(value: &str) -> String {
    redacted_url::redact(value)
}
