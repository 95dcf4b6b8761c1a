use tracing::Metadata;
use tracing_subscriber::filter::{FilterFn, LevelFilter, filter_fn};

/// Crates whose own spans never become OpenTelemetry spans, for exporters send through them
/// and would trace themselves: HTTP, gRPC and QUIC, TLS, name resolution, and the runtime below.
const EXPORTER_CRATES: [&str; 22] = [
    "h2",
    "h3",
    "h3_quinn",
    "hickory_net",
    "hickory_proto",
    "hickory_resolver",
    "hyper",
    "hyper_rustls",
    "hyper_timeout",
    "hyper_tls",
    "hyper_util",
    "quinn",
    "quinn_proto",
    "quinn_udp",
    "reqwest",
    "rustls",
    "rustls_platform_verifier",
    "tokio",
    "tokio_rustls",
    "tokio_util",
    "tonic",
    "tower",
];

/// What of `tracing` reaches the OpenTelemetry layer.
pub(crate) fn exported(level: LevelFilter) -> FilterFn<impl Fn(&Metadata<'_>) -> bool + Clone> {
    filter_fn(move |metadata| *metadata.level() <= level && !is_exporter_crate(metadata.target()))
        .with_max_level_hint(level)
}

fn is_exporter_crate(target: &str) -> bool {
    let name = target.split("::").next().unwrap_or(target);
    name.starts_with("opentelemetry") || EXPORTER_CRATES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transport_is_told_by_the_name_of_the_crate() {
        for target in [
            "hyper",
            "hyper_util::client::legacy",
            "h2::proto",
            "tonic",
            "tonic::transport::channel",
            "tower::buffer::worker",
            "reqwest::connect",
            "rustls::client::hs",
            "hickory_resolver::name_server",
            "tokio::task",
            "opentelemetry_sdk",
            "opentelemetry-otlp",
        ] {
            assert!(is_exporter_crate(target), "{target}");
        }
    }

    #[test]
    fn a_crate_that_only_starts_like_one_is_not_transport() {
        for target in [
            "hyperspace",
            "h2o::pump",
            "shop",
            "reqwest_middleware",
            "tower_http::trace",
            "tokio_postgres",
        ] {
            assert!(!is_exporter_crate(target), "{target}");
        }
    }
}
