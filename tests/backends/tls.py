"""The Collector accepts traces and metrics over TLS and mutual TLS, by gRPC and HTTP, with and without compression."""

import http.client
import itertools
import urllib.parse

from certificates import Authority
from collector import GRPC, HTTP, Collector
from processes import claim, fail
from proxy import Proxy
from services import Server

REQUESTS = 100
PROTOCOLS = {"grpc": GRPC, "http/protobuf": HTTP, "http/json": HTTP}
COMPRESSIONS = ["none", "gzip"]
MOST_COMPRESSED = 0.5
FRAMEWORKS = itertools.cycle(["axum", "actix"])


def judge():
    ours, theirs = Authority("backends"), Authority("services")
    certificate, key = map(str, ours.sign("collector"))
    plain = {"cert_file": certificate, "key_file": key}
    collector = Collector({"tls": plain, "mutual": plain | {"client_ca_file": str(theirs.file)}})
    trust = {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(ours.file)}
    certificate, key = map(str, theirs.sign("service"))
    named = trust | {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": certificate, "OTEL_EXPORTER_OTLP_CLIENT_KEY": key}
    for protocol in PROTOCOLS:
        takes_it(collector, "tls", protocol, trust)
        plain, compressed = (takes_it(collector, "mutual", protocol, named, how) for how in COMPRESSIONS)
        small = compressed <= plain * MOST_COMPRESSED
        claim(f"gzip makes {compressed} bytes of {plain}", small)
        refuses(collector, protocol, trust)
    collector.stop()


def takes_it(collector, kind, protocol, variables, compression="none"):
    """Checks that spans and metrics arrive. Returns the number of bytes sent."""
    proxy = Proxy(collector.ports[kind, PROTOCOLS[protocol]])
    framework = next(FRAMEWORKS)
    print(f"a service on {framework} exports over {kind}, {protocol}, compression {compression}", flush=True)
    compression = {"OTEL_EXPORTER_OTLP_COMPRESSION": compression} if compression != "none" else {}
    server = Server(framework, exports_to(proxy.port, protocol) | variables | compression)
    collector.forget()
    ask(server.url)
    claim("it ends well, nothing lost", server.stop() == 0, server.said())
    names = [resource["service.name"] for resource, _ in collector.described_spans()]
    claim(f"{len(names)} spans arrive", names == [f"{framework}-server"] * REQUESTS * server.exported.per_request, names)
    durations = [it for resource, it in collector.metrics() if it["name"] == "http.server.request.duration"]
    counts = [int(point["count"]) for point in durations[-1]["histogram"]["dataPoints"]] if durations else []
    claim(f"so does the duration of {counts} requests", counts == [REQUESTS], durations)
    return proxy.bytes


def refuses(collector, protocol, variables):
    framework = next(FRAMEWORKS)
    print(f"a service on {framework} without a certificate wants mutual TLS, {protocol}", flush=True)
    port = collector.ports["mutual", PROTOCOLS[protocol]]
    server = Server(framework, exports_to(port, protocol) | variables)
    collector.forget()
    ask(server.url)
    claim("it does not end well", server.stop() == 1, server.said())
    spans = REQUESTS * server.exported.per_request
    claim("it says that every span was lost", server.loss() == (spans, spans), server.said())
    claim("nothing arrives", not collector.spans)


def exports_to(port, protocol):
    return {
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"https://localhost:{port}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
    }


def ask(url):
    address = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
    for _ in range(REQUESTS):
        connection.request("GET", address.path)
        response = connection.getresponse()
        response.read()
        if response.status != 200:
            fail(f"{url} responds with 200", response.status)
