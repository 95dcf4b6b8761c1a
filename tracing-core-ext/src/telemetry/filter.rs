use tracing::Metadata;
use tracing_subscriber::filter::{FilterFn, LevelFilter, filter_fn};

/// Crates whose own spans never become OpenTelemetry spans, for exporters send through them
/// and would trace themselves.
const TRANSPORT: [&str; 7] =
    ["h2", "hyper", "hyper_rustls", "hyper_util", "reqwest", "rustls", "tonic"];

/// What of `tracing` reaches the OpenTelemetry layer.
pub(super) fn exported(level: LevelFilter) -> FilterFn<impl Fn(&Metadata<'_>) -> bool + Clone> {
    filter_fn(move |metadata| *metadata.level() <= level && !is_transport(metadata.target()))
        .with_max_level_hint(level)
}

fn is_transport(target: &str) -> bool {
    let name = target.split("::").next().unwrap_or(target);
    name.starts_with("opentelemetry") || TRANSPORT.contains(&name)
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
            "reqwest::connect",
            "opentelemetry_sdk",
            "opentelemetry-otlp",
        ] {
            assert!(is_transport(target), "{target}");
        }
    }

    #[test]
    fn a_crate_that_only_starts_like_one_is_not_transport() {
        for target in ["hyperspace", "h2o::pump", "shop", "reqwest_middleware"] {
            assert!(!is_transport(target), "{target}");
        }
    }
}
