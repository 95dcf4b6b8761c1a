"""Chains over HTTP/2, TLS and gRPC, and with our member of `tracestate`."""

import chains
import formats
from chains import Chain, require
from processes import LOGS, claim
from services import Services
from sink import CLIENT, SERVER

H2C, TLS, GRPC = "h2c", "https", "grpc"

# The services of each chain, the schemes of their URLs, and attributes of the spans that our
# services export for these requests and calls.
TRANSPORTS = {
    "HTTP/2": (
        ["net_http", "axum", "net_http", "actix", "net_http"],
        ["http", H2C, H2C, H2C, H2C],
        {"network.protocol.version": "2"},
    ),
    "HTTP/2 over TLS": (
        ["net_http", "axum", "net_http", "actix", "net_http"],
        ["http", TLS, TLS, TLS, TLS],
        {"network.protocol.version": "2"},
    ),
    "HTTP/1.1 over TLS": (
        ["flask", "axum", "flask", "actix", "flask"],
        ["http", TLS, "http", TLS, "http"],
        {"network.protocol.version": "1.1"},
    ),
    "gRPC": (
        ["net_http", "axum", "net_http", "axum", "gin"],
        ["http", GRPC, GRPC, GRPC, "http"],
        {},
    ),
}
METHOD = "grpc.health.v1.Health/Check"

# The first service starts traces with a threshold, and keeps those of its callers.
CONFIGURATION = """\
file_format: "1.1"
propagator:
  composite: [tracecontext: , baggage: ]
tracer_provider:
  processors:
    - batch: {{schedule_delay: 100, exporter: {{otlp_http: {{endpoint: "{url}/v1/traces"}}}}}}
  sampler:
    composite/development:
      parent_threshold: {{root: {{probability: {{ratio: 1.0}}}}}}
"""


def judge_transports(services, sink):
    for name, (names, schemes, attributes) in TRANSPORTS.items():
        for sampled in (True, False):
            chain = Chain(formats.W3C, names, sampled, schemes=dict(enumerate(schemes)))
            chains.judge(chain, services, sink)
            if sampled:
                judge_attributes(name, chain, attributes, sink)
        claim(f"{name}: chains are connected", True)


def judge_attributes(name, chain, attributes, sink):
    spans = [it for it in sink.trace(chain.trace_id) if it.service in formats.OURS]
    for span in [it for it in spans if it.kind == SERVER]:
        scheme = chain.scheme(chain.names.index(span.service))
        if scheme == GRPC:
            attributes = {"rpc.method": METHOD, "rpc.response.status_code": "OK"}
        else:
            attributes = attributes | {"url.scheme": "https" if scheme == TLS else "http"}
        found = {key: span.attributes.get(key) for key in attributes}
        require(found == attributes, f"{name}: attributes of {span.service}", found)
    if GRPC in chain.schemes.values():
        calls = [it for it in spans if it.kind == CLIENT and it.name == METHOD]
        require(len(calls) == 1, f"{name}: the call of tonic", spans)


def judge_threshold(sink):
    """Our member of `tracestate` passes through services in other languages, and theirs through ours."""
    LOGS.mkdir(parents=True, exist_ok=True)
    file = (LOGS / "interop.yaml").resolve()
    file.write_text(CONFIGURATION.format(url=sink.url))
    services = Services(["net_http", "flask", "actix"], formats.W3C, sink)
    first = Services(["axum"], formats.W3C, sink, {"OTEL_CONFIG_FILE": str(file)})
    services.urls |= first.urls
    names = ["axum", "net_http", "actix", "flask"]
    chains.judge(Chain(formats.W3C, names, continues=False, expected="ot=th:0"), services, sink)
    behind = ["flask", "axum", "net_http", "actix"]
    for received in ["ot=th:0;rv:0123456789abcd;k:1,vendor=1", "ot=th:0"]:
        chains.judge(Chain(formats.W3C, behind, tracestate=received), services, sink)
    services.stop()
    first.stop()
    claim("thresholds of tracestate pass through all services", True)
