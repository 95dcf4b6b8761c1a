"""Starts agent and gateway with the files of `deploy/collector`, in which only addresses are
replaced, and sends a span, a metric and a log record to the agent.

`collectors.py FOLDER`: the folder of the files.
"""

import json
import pathlib
import sys
import threading
import urllib.request

from collector import Received, Sink
from processes import LOGS, Process, backend, claim, eventually, free_ports, get

TRACE_ID, SPAN_ID = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"
RESOURCE = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
TIMES = {"startTimeUnixNano": "1", "endTimeUnixNano": "2"}
SPAN = {"traceId": TRACE_ID, "spanId": SPAN_ID, "name": "GET /", "kind": 2} | TIMES
TRACES = {"resourceSpans": [{"resource": RESOURCE, "scopeSpans": [{"spans": [SPAN]}]}]}
METRIC = {"name": "shop.open", "gauge": {"dataPoints": [{"timeUnixNano": "2", "asInt": "7"}]}}
METRICS = {"resourceMetrics": [{"resource": RESOURCE, "scopeMetrics": [{"metrics": [METRIC]}]}]}
LOG = {"timeUnixNano": "2", "severityNumber": 9, "body": {"stringValue": "an order"}}
LOGS_OF = {"resourceLogs": [{"resource": RESOURCE, "scopeLogs": [{"logRecords": [LOG]}]}]}
# The sink reads JSON.
JSON = "\n    encoding: json\n    compression: none"


class DeployedCollector:
    """A Collector with a file of the folder. `replaced`: its addresses, and their values here."""

    def __init__(self, folder, name, replaced):
        self.grpc, self.http, self.own = free_ports(3)
        text = pathlib.Path(folder, f"{name}.yaml").read_text()
        replaced = replaced | {
            '"0.0.0.0:4317"': f'"127.0.0.1:{self.grpc}"',
            '"0.0.0.0:4318"': f'"127.0.0.1:{self.http}"',
            'host: "0.0.0.0", port: 8888': f'host: "127.0.0.1", port: {self.own}',
        }
        for address, here in replaced.items():
            claim(f"{name} has the address {address}", text.count(address) == 1)
            text = text.replace(address, here)
        config = LOGS / f"{name}.yaml"
        LOGS.mkdir(parents=True, exist_ok=True)
        config.write_text(text)
        self.process = Process(name, [backend("otelcol"), f"--config={config}"])
        self.process.wait_for("Everything is ready")

    def post(self, path, body):
        url, headers = f"http://127.0.0.1:{self.http}{path}", {"content-type": "application/json"}
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status

    def metrics(self):
        return get(f"http://127.0.0.1:{self.own}/metrics")[1]


def main(folder):
    sink = Sink(("127.0.0.1", 0), Received)
    threading.Thread(target=sink.serve_forever, args=[0.05], daemon=True).start()
    backends = f"http://127.0.0.1:{sink.server_port}"
    sinks = {
        '"http://traces:4318"': f'"{backends}"{JSON}',
        '"http://prometheus:9090/api/v1/otlp"': f'"{backends}/api/v1/otlp"{JSON}',
        '"http://loki:3100/otlp"': f'"{backends}/otlp"{JSON}',
    }
    gateway = DeployedCollector(folder, "gateway", sinks)
    gateways = {'"http://gateway:4318"': f'"http://127.0.0.1:{gateway.http}"'}
    agent = DeployedCollector(folder, "agent", gateways)
    judge(agent, gateway, sink)


def judge(agent, gateway, sink):
    claim("the agent accepts a span", agent.post("/v1/traces", TRACES) == 200)
    claim("the agent accepts a metric", agent.post("/v1/metrics", METRICS) == 200)
    claim("the agent accepts a log record", agent.post("/v1/logs", LOGS_OF) == 200)
    ((resource, scope),) = received(sink, "/v1/traces", "resourceSpans", "scopeSpans")
    ids = [(span["traceId"], span["spanId"]) for span in scope["spans"]]
    claim("the backend receives the span", ids == [(TRACE_ID, SPAN_ID)], ids)
    claim("of its service", resource == {"service.name": "shop"}, resource)
    path = "/api/v1/otlp/v1/metrics"
    ((resource, scope),) = received(sink, path, "resourceMetrics", "scopeMetrics")
    names = [it["name"] for it in scope["metrics"]]
    claim("Prometheus receives the metric", names == ["shop.open"], scope)
    claim("of its service", resource == {"service.name": "shop"}, resource)
    ((resource, scope),) = received(sink, "/otlp/v1/logs", "resourceLogs", "scopeLogs")
    bodies = [it["body"] for it in scope["logRecords"]]
    claim("Loki receives the log record", bodies == [LOG["body"]], scope)
    claim("of its service", resource == {"service.name": "shop"}, resource)
    for name, collector in {"agent": agent, "gateway": gateway}.items():
        page = collector.metrics()
        claim(f"{name} has metrics", "otelcol_receiver_accepted_spans" in page, page)
        claim(f"{name} ends well", collector.process.stop() == 0, collector.process.said())


def received(sink, path, resources, scopes):
    return eventually(f"a request to {path}", lambda: list(sink.scopes(path, resources, scopes)))


main(*sys.argv[1:])
