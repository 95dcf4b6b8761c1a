pub(super) const AGENT: u16 = 6831;
pub(super) const COLLECTOR: u16 = 14268;

const OTLP: &str = ": use otlp_endpoint() or OTEL_EXPORTER_OTLP_ENDPOINT";
const FOR_AGENT: &str = ": use JaegerEndpoint::agent() or OTEL_EXPORTER_JAEGER_AGENT_HOST";
const FOR_COLLECTOR: &str = ": use JaegerEndpoint::collector() or OTEL_EXPORTER_JAEGER_ENDPOINT";

/// Ports of Jaeger and related services, their purpose, and the setting for them: Jaeger
/// documentation, "Deployment".
const PORTS: [(u16, &str, &str); 12] = [
    (4317, "accepts OTLP over gRPC", OTLP),
    (4318, "accepts OTLP over HTTP", OTLP),
    (5775, "is an agent's port for Zipkin's Thrift", FOR_AGENT),
    (5778, "is an agent's port for sampling strategies", FOR_AGENT),
    (AGENT, "is an agent's port for UDP", FOR_AGENT),
    (6832, "is an agent's port for the binary protocol", FOR_AGENT),
    (9411, "takes Zipkin's formats", ""),
    (14250, "is a collector's port for gRPC", FOR_COLLECTOR),
    (COLLECTOR, "is a collector's port for HTTP", FOR_COLLECTOR),
    (14269, "is a collector's port for its health", FOR_COLLECTOR),
    (16685, "answers queries and accepts no spans", ""),
    (16686, "shows traces and accepts no spans", ""),
];

/// Returns the hint `; port 4317 accepts OTLP over gRPC: use …` if `port` is known and is not the
/// right one.
pub(super) fn wrong_port_hint(port: u16, right: u16) -> Option<String> {
    let (_, what, instead) = PORTS.iter().find(|known| known.0 == port && port != right)?;
    let is_of_same = matches!((right, *instead), (AGENT, FOR_AGENT) | (COLLECTOR, FOR_COLLECTOR));
    let instead = if is_of_same { "" } else { *instead };
    Some(format!("; port {port} {what}{instead}"))
}
