"""Checks what our services export against the registry of the semantic conventions.

`conventions.py REGISTRY PROGRAMS REPORT`: the folder of the registry's YAML, the folder of the examples, and the file to which
the names that are optional, in development or our own are written.

An attribute, metric or event must be in the registry or begin with a prefix of ours; it must have the type, unit, instrument,
kind and value that the registry defines; what a group requires must be there; and the status, the error and the name of a span
must agree.
"""

import collections
import http.client
import pathlib
import sys
import urllib.parse

from json_sink import Sink
from processes import Process, claim
from registry import Registry, plain

KINDS = {1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
# Prefixes of the names of this project, and of those in the code of the examples.
OWN, OF_EXAMPLES = "tracing_core_ext.", ("shop.", "item.")
# The field of the log lines of a request.
UNPREFIXED = {"request_id"}
# Enumerations that have a member for all other values, or in which no other value is possible.
CLOSED = {"http.request.method", "network.transport", "network.type", "url.scheme", "otel.status_code"}
# Members of a metric in OTLP that contain its points.
KINDS_OF_DATA = ("histogram", "gauge", "sum")
PATIENCE = 60


def attributes(described):
    return {it["key"]: it["value"] for it in described.get("attributes", [])}


class Judge:
    def __init__(self, registry):
        self.registry = registry
        self.errors = collections.Counter()
        # Lines of the report, and groups of which something was seen.
        self.lines, self.groups = set(), collections.Counter()

    def error(self, where, what):
        self.errors[f"{where}: {what}"] += 1

    def check(self, where, group, found, may_be_own=True):
        """Checks attributes against a group, or only against the registry if there is none."""
        for error in self.registry.errors(found):
            self.error(where, error)
        levels = self.registry.levels(group) if group else {}
        for key, level in levels.items():
            if level == "required" and key not in found:
                if not (key == "rpc.response.status_code" and is_answered_without_grpc(found)):
                    self.error(where, f"{key} is required")
        for key, value in found.items():
            if self.registry.is_other(key, value):
                if key in CLOSED:
                    self.error(where, f"{key}={plain(value)!r} is not one of its members")
                elif key not in ("error.type", "rpc.response.status_code"):
                    self.lines.add(f"{where}: {key}={plain(value)}: not one of its members")
            definition = self.registry.find(key)
            if definition is None:
                self.note_own(where, key, may_be_own)
                continue
            level = levels.get(key) or levels.get(definition.name, "not in the group" if group else "")
            if level in ("opt_in", "not in the group"):
                self.lines.add(f"{where}: {definition.name}: {level}")
            if definition.stability != "stable":
                self.lines.add(f"{where}: {definition.name}: {definition.stability}")
        if group:
            self.groups[group] += 1

    def note_own(self, where, key, may_be_own):
        if key.startswith(OWN) or key in UNPREFIXED:
            self.lines.add(f"{where}: {key}: our own")
        elif not key.startswith(OF_EXAMPLES) and not may_be_own:
            self.error(where, f"{key} is unknown")

    def span(self, span):
        found, of = attributes(span), KINDS[span["kind"]]
        group = group_of(of, found)
        self.check(group or f"span.{of}", group, found, may_be_own=group is None)
        for event in span.get("events", []):
            if event["name"] == "exception":
                self.check("span event exception", None, attributes(event), may_be_own=False)
                if not {"exception.type", "exception.message"} & attributes(event).keys():
                    self.error("span event exception", "exception.type or exception.message is required")
        if group:
            values = {key: plain(value) for key, value in found.items()}
            for error in inconsistencies(of, span, values):
                self.error(group, f"{error} in {span['name']!r}: {values}")

    def metric(self, metric):
        name = metric["name"]
        data = next(key for key in KINDS_OF_DATA if key in metric)
        definition = self.registry.metrics.get(name)
        where = f"metric {name}"
        if definition is None:
            if not name.startswith((OWN, *OF_EXAMPLES)):
                self.error(where, "it is unknown")
            self.lines.add(f"{where}: our own, {metric.get('unit', '')}")
            group = None
        else:
            group = definition["id"]
            if definition["stability"] != "stable":
                self.lines.add(f"{where}: {definition['stability']}")
            self.instrument(where, metric, data, definition)
        for point in metric[data]["dataPoints"]:
            self.check(where, group, attributes(point), may_be_own=False)

    def instrument(self, where, metric, data, definition):
        if metric.get("unit", "") != definition["unit"]:
            self.error(where, f"unit {metric.get('unit', '')!r}, expected {definition['unit']!r}")
        expected = definition["instrument"]
        is_monotonic = metric[data].get("isMonotonic", False)
        found = {"sum": "counter" if is_monotonic else "updowncounter"}.get(data, data)
        if found != expected:
            self.error(where, f"it is a {found}, expected a {expected}")
        of = definition.get("annotations", {}).get("code_generation", {}).get("metric_value_type")
        for point in metric[data]["dataPoints"]:
            key = {"int": "asInt", "double": "asDouble"}.get(of)
            if data != "histogram" and key and key not in point:
                self.error(where, f"its values are not of the type {of}")

    def record(self, scope, record):
        # The crate `opentelemetry` logs its own events.
        if scope["name"].split("::")[0] == "opentelemetry":
            return
        name = record.get("eventName", "")
        definition = self.registry.events.get(name)
        where = f"event {name}" if name else "log record"
        if name and definition is None and not name.startswith((OWN, *OF_EXAMPLES)):
            self.error(where, "it is unknown")
        # A log record has the fields of the user.
        group = definition["id"] if definition else None
        self.check(where, group, attributes(record), may_be_own=definition is None)


def is_answered_without_grpc(found):
    """Whether a server has answered a call of gRPC by HTTP alone. It has no status then; its client derives one."""
    status = found.get("http.response.status_code")
    return bool(status) and plain(status) != 200


def group_of(of, found):
    if "rpc.system.name" in found:
        system = plain(found["rpc.system.name"])
        return f"span.rpc.{system}.call.{of}"
    if "messaging.system" in found:
        return f"span.messaging.{plain(found['messaging.operation.type'])}.{of}"
    if "http.request.method" in found:
        return f"span.http.{of}"
    return None


def inconsistencies(of, span, values):
    """Returns what does not agree in the span of a request."""
    is_error = span.get("status", {}).get("code", 0) == 2
    status = values.get("http.response.status_code")
    if ("error.type" in values) != is_error:
        yield f"error.type and the status {span.get('status')} do not agree"
    is_rpc = "rpc.system.name" in values
    if status and not is_rpc:
        must_fail = status >= (500 if of == "server" else 400)
        if must_fail and not is_error:
            yield f"the status is not an error with {status}"
        if must_fail and values.get("error.type") != str(status) and not span.get("events"):
            yield f"error.type is not {status}"
        if not must_fail and is_error and not span.get("events"):
            yield f"the status is an error with {status}"
    if span.get("status", {}).get("code", 0) == 1:
        yield "an instrumentation must not set the status Ok"
    for key, needed in (("server.port", "server.address"), ("network.peer.port", "network.peer.address")):
        if key in values and needed not in values:
            yield f"{key} without {needed}"
    if values.get("http.request.method") == "_OTHER" and "http.request.method_original" not in values:
        yield "http.request.method_original is not there"
    if values.get("network.protocol.name") == "http":
        yield "network.protocol.name is http"
    if "http.request.method" in values and not is_rpc:
        method = values["http.request.method"]
        method = "HTTP" if method == "_OTHER" else method
        target = values.get("http.route" if of == "server" else "url.template")
        expected = f"{method} {target}" if target else method
        if span["name"] != expected:
            yield f"the name is not {expected!r}"


def request(method, url, headers=None, body=None):
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE)
    connection.request(method, parts.path + (f"?{parts.query}" if parts.query else ""), body, headers or {})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status


def drive(programs, environment):
    """Runs the services and the clients, each until it has exported everything."""
    def start(program, *arguments):
        return Process(program, [programs / program, *arguments], environment)

    def ends_well(process):
        claim(f"{process.name} ends well", process.stop() == 0, process.said())

    shop = start("shop", "--serve", "--port=0", "--metrics-port=0", "--panel-port=0")
    gateway = shop.wait_for(r"curl (\S+)/checkout/")[1]
    for item in ["tea", "honey", "nothing", "%E2%98%95"]:
        request("GET", f"{gateway}/checkout/{item}?color=red&token=hidden")
    for method, path in [("GET", "/nowhere"), ("POST", "/checkout/tea"), ("BREW", "/checkout/tea"), ("HEAD", "/checkout/tea")]:
        request(method, gateway + path, {"user-agent": "curl/8"})
    ends_well(shop)
    for server, client in [("axum_server", "outbound_call"), ("axum_server", "hyper_client"), ("actix_server", "outbound_call")]:
        serving = start(server, "127.0.0.1:0")
        url = serving.wait_for(r"(http://127\.0\.0\.1:\d+)")[1]
        calling = start(client, f"{url}/items/7")
        claim(f"{client} ends well", calling.ended() == 0, calling.said())
        request("GET", f"{url}/nowhere")
        ends_well(serving)
    job = start("background_job", "127.0.0.1:0")
    url = job.wait_for(r"(127\.0\.0\.1:\d+)")[1]
    for item in ["tea", "nothing"]:
        request("POST", f"http://{url}/orders/{item}")
    ends_well(job)
    pair = [start("interop_service", "--framework", framework) for framework in ("axum", "actix")]
    axum, actix = [it.wait_for(r"http://(127\.0\.0\.1:\d+)")[1] for it in pair]
    for chain in [f"grpc://{axum}", f"grpc://{axum} http://{actix}/items/7", f"http://{actix}/items/7", f"grpc://{actix}"]:
        request("GET", f"http://{axum}/items/7", {"x-chain": chain})
    for it in pair:
        ends_well(it)


def main(folder, programs, report):
    registry, sink = Registry(folder), Sink()
    claim("the registry is complete", len(registry.attributes) > 200 and len(registry.metrics) > 50, registry.groups.keys())
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": sink.url,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json",
        "OTEL_METRICS_EXPORTER": "otlp",
        "OTEL_LOGS_EXPORTER": "otlp",
        "OTEL_TRACES_EXPORTER": "otlp",
        "RUST_LOG": "info",
    }
    drive(pathlib.Path(programs), environment)
    judge = Judge(registry)
    for resource, _, span in sink.spans():
        judge.check("resource", None, attributes(resource), may_be_own=False)
        judge.span(span)
    for _, _, metric in sink.metrics():
        judge.metric(metric)
    for _, scope, record in sink.logs():
        judge.record(scope, record)
    for signal in ("/v1/traces", "/v1/metrics", "/v1/logs"):
        claim(f"{signal} has arrived", any(asked == signal for asked, _ in sink.requests))
    for error, count in sorted(judge.errors.items()):
        print(f"wrong, {count} times: {error}")
    seen = {f"span.{of}" for of in ("http.server", "http.client", "rpc.grpc.call.server", "rpc.grpc.call.client")}
    claim("every kind of span was seen", seen <= judge.groups.keys(), judge.groups)
    pathlib.Path(report).write_text("".join(f"{line}\n" for line in sorted(judge.lines)))
    count = sum(1 for _ in sink.spans())
    print(f"{count} spans, {sum(1 for _ in sink.metrics())} metrics, {sum(1 for _ in sink.logs())} log records;",
          f"{len(judge.groups)} groups of the conventions")
    claim("everything follows the conventions", not judge.errors)


main(*sys.argv[1:])
