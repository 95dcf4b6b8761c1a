use std::io::Write;

use bytes::Bytes;
use flate2::write::GzEncoder;
use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT},
};
use prost::Message;
use serde::Serialize;

use super::{grpc, proto_json::json};
use crate::config::otlp::protocol::{Compression, Protocol};

/// "OpenTelemetry protocol exporters SHOULD emit a User-Agent header to at a minimum identify the exporter, the language
/// of its implementation, and the version of the exporter": OTLP exporter specification, "User Agent".
const EXPORTER: &str = concat!("tracing-core-ext-OTLP-Exporter-Rust/", env!("CARGO_PKG_VERSION"));

/// Encodes a message for the protocol, or returns `None` if that is not possible.
pub(in crate::export::otlp) fn message(
    message: &(impl Message + Serialize),
    protocol: Protocol,
) -> Option<Vec<u8>> {
    match protocol {
        Protocol::Grpc => Some(message.encode_to_vec()),
        Protocol::HttpProtobuf => Some(message.encode_to_vec()),
        Protocol::HttpJson => json(message),
    }
}

/// Returns the body of a request with this message, or `None` if it cannot be encoded.
pub(in crate::export::otlp) fn body(
    message: Vec<u8>,
    protocol: Protocol,
    compression: Compression,
) -> Option<Bytes> {
    let message = compressed(message, compression)?;
    match protocol {
        Protocol::Grpc => grpc::framed(&message, compression == Compression::Gzip),
        Protocol::HttpProtobuf | Protocol::HttpJson => Some(message.into()),
    }
}

fn compressed(bytes: Vec<u8>, compression: Compression) -> Option<Vec<u8>> {
    if compression == Compression::None {
        return Some(bytes);
    }
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&bytes).ok()?;
    encoder.finish().ok()
}

/// Returns the headers that describe the body, and those that are set, which replace them.
pub(in crate::export::otlp) fn headers(
    protocol: Protocol,
    compression: Compression,
    asked_for: HeaderMap,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static(EXPORTER));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type(protocol)));
    if protocol.is_grpc() {
        headers.insert(http::header::TE, HeaderValue::from_static("trailers"));
    }
    if compression == Compression::Gzip {
        headers.insert(encoding(protocol), HeaderValue::from_static("gzip"));
    }
    headers.extend(asked_for);
    headers
}

fn content_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Grpc => "application/grpc",
        Protocol::HttpProtobuf => "application/x-protobuf",
        Protocol::HttpJson => "application/json",
    }
}

fn encoding(protocol: Protocol) -> HeaderName {
    match protocol.is_grpc() {
        true => HeaderName::from_static("grpc-encoding"),
        false => CONTENT_ENCODING,
    }
}
