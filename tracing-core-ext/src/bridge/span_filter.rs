use tracing::{
    Event, Metadata, Subscriber, dispatcher,
    span::{Attributes, Id, Record},
    subscriber::Interest,
};
use tracing_opentelemetry::get_otel_context;
use tracing_subscriber::{
    filter::LevelFilter,
    layer::{Context, Filter},
    registry::LookupSpan,
};

use crate::base::integer_fields;

/// Target of the `tracing` span of an exchange, for filters.
pub const TARGET: &str = "tracing_core_ext::exchange";

/// Crates whose spans never become OpenTelemetry spans, because exporters send through these crates and would trace
/// themselves: HTTP, gRPC and QUIC, TLS, name resolution, and the async runtime.
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

/// Selects the spans and events that reach the OpenTelemetry layer.
///
/// An event directly in the span of an exchange is dropped: it would become an event of the server span, and its level
/// would set the status, which the conventions define.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpanFilter {
    pub(super) level: LevelFilter,
    /// Whether spans of the crates that exporters use are exported.
    pub(super) has_exporter_crates: bool,
}

impl SpanFilter {
    /// Selects every span.
    pub(crate) const fn all() -> Self {
        Self { level: LevelFilter::TRACE, has_exporter_crates: true }
    }

    /// Selects spans up to `level`, except those of the crates that exporters use.
    pub(crate) const fn exported(level: LevelFilter) -> Self {
        Self { level, has_exporter_crates: false }
    }

    fn allows(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level
            && (self.has_exporter_crates || !is_exporter_crate(metadata.target()))
    }
}

impl<S> Filter<S> for SpanFilter
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.allows(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        match (self.allows(metadata), metadata.is_event()) {
            (false, _) => Interest::never(),
            (true, false) => Interest::always(),
            // `tracing_subscriber` filters an event by its span only if it has called `enabled` before.
            (true, true) => Interest::sometimes(),
        }
    }

    fn event_enabled(&self, event: &Event<'_>, context: &Context<'_, S>) -> bool {
        let is_exported =
            context.event_span(event).is_none_or(|span| span.metadata().target() != TARGET);
        if is_exported {
            integer_fields::note(|visitor| event.record(visitor));
        }
        is_exported
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        integer_fields::note(|visitor| attributes.record(visitor));
    }

    /// Starts the OpenTelemetry span if integers are recorded later, because a span that has not started keeps the
    /// strings of the layer.
    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        if integer_fields::note(|visitor| values.record(visitor)) {
            dispatcher::get_default(|dispatch| drop(get_otel_context(id, dispatch)));
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }
}

/// Whether the target is in a crate that exporters use.
pub(crate) fn is_exporter_crate(target: &str) -> bool {
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
