use opentelemetry::{Context, baggage::BaggageExt};
use serde_json::{Value, json};

/// Header with the URLs of the services that follow, separated by spaces.
pub(crate) const CHAIN: &str = "x-chain";

/// Prefixes of the headers that contain a context.
const CONTEXT: [&str; 6] = ["traceparent", "tracestate", "baggage", "b3", "x-b3-", "uber"];

/// Returns the context that a service has received: the headers, and baggage as the handler reads
/// it.
pub(crate) fn received<'a>(
    service: &str,
    headers: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> Value {
    let headers: Vec<_> = headers
        .filter(|(name, _)| CONTEXT.iter().any(|prefix| name.starts_with(prefix)))
        .map(|(name, value)| json!([name, String::from_utf8_lossy(value)]))
        .collect();
    let baggage: serde_json::Map<_, _> = Context::map_current(|cx| {
        let entries = cx.baggage().iter();
        entries.map(|(key, (value, _))| (key.to_string(), value.as_str().into())).collect()
    });
    json!({ "service": service, "headers": headers, "baggage": baggage })
}

/// Returns the next URL of a chain and the header for the service that it addresses.
pub(crate) fn next(chain: &str) -> Option<(&str, &str)> {
    let chain = chain.trim();
    let (next, rest) = chain.split_once(' ').unwrap_or((chain, ""));
    (!next.is_empty()).then_some((next, rest))
}
