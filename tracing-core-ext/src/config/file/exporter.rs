//! `otlp_http` and `otlp_grpc`.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::document::item::{Item, Section};
use crate::{
    base::error::TelemetryError,
    config::{
        env::words::Words,
        otlp::{
            EnvValue, OtlpConfig, headers,
            protocol::{COMPRESSIONS, Protocol},
        },
    },
};

const ENCODINGS: Words<Protocol> = Words {
    known: &[("protobuf", Protocol::HttpProtobuf), ("json", Protocol::HttpJson)],
    unsupported: &[],
};

/// Reads an exporter over HTTP, and leaves other keys of the section to the caller.
pub(super) fn otlp_http(
    section: &Section<'_>,
    default: &OtlpConfig,
) -> Result<OtlpConfig, TelemetryError> {
    let encoding = |item: &Item<'_>| item.word(&ENCODINGS);
    let protocol = section.read_or("encoding", Protocol::HttpProtobuf, encoding)?;
    otlp(section, OtlpConfig { protocol, ..default.clone() })
}

/// Reads an exporter over gRPC, and leaves other keys of the section to the caller.
pub(super) fn otlp_grpc(
    section: &Section<'_>,
    default: &OtlpConfig,
) -> Result<OtlpConfig, TelemetryError> {
    otlp(section, OtlpConfig { protocol: Protocol::Grpc, ..default.clone() })
}

fn otlp(section: &Section<'_>, default: OtlpConfig) -> Result<OtlpConfig, TelemetryError> {
    let mut config = default;
    let url = |item: &Item<'_>| Ok((item.setting(), item.text()?.into()));
    config.endpoint = section.read("endpoint", url)?;
    config.timeout = section.read_or("timeout", config.timeout, Item::timeout)?;
    let compression = |item: &Item<'_>| item.word(&COMPRESSIONS);
    config.compression = section.read_or("compression", config.compression, compression)?;
    config.headers = headers(section)?;
    if let Some(tls) = section.get("tls") {
        let tls = tls.section()?;
        config.certificate = tls.read("ca_file", path)?;
        config.client_key = tls.read("key_file", path)?;
        config.client_certificate = tls.read("cert_file", path)?;
        if config.protocol.is_grpc() {
            config.insecure = tls.read("insecure", Item::boolean)?;
        }
        tls.finish()?;
    }
    Ok(config)
}

fn path(item: &Item<'_>) -> Result<EnvValue, TelemetryError> {
    Ok((item.setting(), item.text()?))
}

/// Reads headers. Those of `headers` take precedence over those of `headers_list`.
fn headers(section: &Section<'_>) -> Result<HeaderMap, TelemetryError> {
    const EXPECTED: &str = "the name and the value of an HTTP header";
    let mut headers = HeaderMap::new();
    if let Some(list) = section.get("headers_list") {
        let text = list.text()?;
        for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let header = headers::parse_entry(entry);
            let added = header.and_then(|(name, value)| headers.try_insert(name, value).ok());
            if added.is_none() {
                list.ignore(list.secret_expected("name=value pairs separated by commas"))?;
            }
        }
    }
    for item in section.get("headers").map_or(Ok(Vec::new()), |list| list.items())? {
        let pair = item.section()?;
        let name = pair.require("name")?;
        let name: HeaderName = name.text()?.parse().map_err(|_| name.expected(EXPECTED))?;
        if let Some(item) = pair.get("value") {
            let refused = |_| item.secret_expected(EXPECTED);
            let mut value = HeaderValue::from_str(&item.text()?).map_err(refused)?;
            value.set_sensitive(true);
            headers.try_insert(name, value).map_err(|_| item.secret_expected(EXPECTED))?;
        }
        pair.finish()?;
    }
    Ok(headers)
}
