"""Starts agent and gateway with the files of `deploy/collector`, in which only addresses are
replaced, and Prometheus with the file of `deploy/prometheus`. Sends spans, a metric and a log
record to the agent. Tail sampling is not in this build of the Collector, so Jaeger 2, which has the
same processor, runs its policies.

`collectors.py FOLDER`: the folder `deploy`.
"""

import json
import pathlib
import shutil
import sys
import time
import urllib.parse
import urllib.request

import yaml

from collector import attributes
from json_sink import Sink
from processes import LOGS, Process, backend, claim, eventually, free_ports, get

TRACE_ID, SPAN_ID = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174"
SERVER, OK, ERROR = 2, 0, 2
# The sink reads JSON.
JSON = "\n    encoding: json\n    compression: none"
# Traces of which a tenth is kept, and bounds that are hardly ever left.
OTHERS, LEAST, MOST = 300, 5, 80
SECOND = 1_000_000_000


class DeployedCollector:
    """A Collector with a file of the folder. `replaced`: addresses, and their values here."""

    def __init__(self, folder, name, replaced):
        self.name = name
        self.grpc, self.http, self.own = free_ports(3)
        replaced = replaced | {
            '"0.0.0.0:4317"': f'"127.0.0.1:{self.grpc}"',
            '"0.0.0.0:4318"': f'"127.0.0.1:{self.http}"',
            'host: "0.0.0.0", port: 8888': f'host: "127.0.0.1", port: {self.own}',
        }
        text = (folder / "collector" / f"{name}.yaml").read_text()
        for address, here in replaced.items():
            claim(f"{name} has the address {address}", text.count(address) == 1)
            text = text.replace(address, here)
        LOGS.mkdir(parents=True, exist_ok=True)
        config = LOGS / f"{name}.yaml"
        config.write_text(text)
        self.process = Process(name, [backend("otelcol"), f"--config={config}"])
        self.process.wait_for("Everything is ready")

    def post(self, path, body):
        return post(self.http, path, body)

    def metrics(self):
        return get(f"http://127.0.0.1:{self.own}/metrics")[1]

    def stop(self):
        page = self.metrics()
        claim(f"{self.name} has metrics", "otelcol_receiver_accepted_spans" in page, page)
        claim(f"{self.name} ends well", self.process.stop() == 0, self.process.said())


class TailSampling:
    """Jaeger with the policies of the folder, which exports to the sink."""

    def __init__(self, folder, sink):
        additions = load(folder / "collector/tail_sampling.yaml")
        processor = additions["processors"]["tail_sampling"]
        gateway = load(folder / "collector/gateway.yaml")
        pipelines = [it["service"]["pipelines"]["traces"] for it in (gateway, additions)]
        first, second = (it["processors"] for it in pipelines)
        claim("tail sampling is the last processor", second == [*first, "tail_sampling"], second)
        self.http, sampled = free_ports(1)[0], {"endpoint": sink, "encoding": "json"}
        config = LOGS / "tail_sampling.json"
        pipeline = {"receivers": ["otlp"], "exporters": ["otlphttp"]}
        pipeline["processors"] = ["tail_sampling"]
        receiver = {"protocols": {"http": {"endpoint": f"127.0.0.1:{self.http}"}}}
        telemetry = {"metrics": {"level": "none"}}
        text = {
            "receivers": {"otlp": receiver},
            # The wait is as long as the test.
            "processors": {"tail_sampling": processor | {"decision_wait": "1s"}},
            "exporters": {"otlphttp": sampled | {"compression": "none"}},
            "service": {"pipelines": {"traces": pipeline}, "telemetry": telemetry},
        }
        config.write_text(json.dumps(text))
        self.process = Process("tail-sampling", [backend("jaeger"), f"--config={config}"])
        self.process.wait_for("Everything is ready")

    def post(self, path, body):
        return post(self.http, path, body)


def load(path):
    return yaml.safe_load(path.read_text())


def post(port, path, body):
    url, headers = f"http://127.0.0.1:{port}{path}", {"content-type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.status


class DeployedPrometheus:
    """Prometheus with the file of the folder, which accepts OTLP."""

    def __init__(self, folder):
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}"
        data = LOGS / "prometheus"
        shutil.rmtree(data, ignore_errors=True)
        options = [
            f"--config.file={folder / 'prometheus/prometheus.yml'}",
            f"--storage.tsdb.path={data}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--web.enable-otlp-receiver",
            "--enable-feature=exemplar-storage",
        ]
        self.process = Process("prometheus", [backend("prometheus"), *options])
        self.process.eventually("Prometheus is ready", lambda: get(f"{self.url}/-/ready"))

    def series(self, query):
        asked = urllib.parse.urlencode({"query": query})
        answer = json.loads(get(f"{self.url}/api/v1/query?{asked}")[1])
        return answer["data"]["result"]


def resource(**attributes):
    named = {key.replace("_", "."): value for key, value in attributes.items()}
    found = [{"key": key, "value": {"stringValue": value}} for key, value in named.items()]
    return {"attributes": found}


def traces(of, *spans):
    return {"resourceSpans": [{"resource": of, "scopeSpans": [{"spans": spans}]}]}


def span(trace_id, status=OK, seconds=0):
    end = time.time_ns()
    return {
        "traceId": trace_id,
        "spanId": SPAN_ID,
        "name": "GET /",
        "kind": SERVER,
        "startTimeUnixNano": str(end - seconds * SECOND),
        "endTimeUnixNano": str(end),
        "status": {"code": status},
    }


def metrics(of):
    point = {"timeUnixNano": str(time.time_ns()), "asInt": "7"}
    metric = {"name": "shop.open", "gauge": {"dataPoints": [point]}}
    return {"resourceMetrics": [{"resource": of, "scopeMetrics": [{"metrics": [metric]}]}]}


def log_records(of):
    record = {"timeUnixNano": "2", "severityNumber": 9, "body": {"stringValue": "an order"}}
    return {"resourceLogs": [{"resource": of, "scopeLogs": [{"logRecords": [record]}]}]}


def main(folder):
    folder = pathlib.Path(folder)
    sink = Sink()
    backends = sink.url
    prometheus = DeployedPrometheus(folder)
    sinks = {
        '"http://traces:4318"': f'"{backends}"{JSON}',
        '"http://prometheus:9090/api/v1/otlp"': f'"{prometheus.url}/api/v1/otlp"',
        '"http://loki:3100/otlp"': f'"{backends}/otlp"{JSON}',
    }
    gateway = DeployedCollector(folder, "gateway", sinks)
    gateways = {'"http://gateway:4318"': f'"http://127.0.0.1:{gateway.http}"'}
    agent = DeployedCollector(folder, "agent", gateways)
    judge(agent, sink, prometheus)
    judge_names(agent, sink)
    agent.stop()
    gateway.stop()
    judge_sampling(TailSampling(folder, backends), sink)
    claim("Prometheus ends well", prometheus.process.stop() == 0, prometheus.process.said())


def judge(agent, sink, prometheus):
    shop = resource(service_name="shop", service_instance_id="shop-1")
    claim("the agent accepts a span", agent.post("/v1/traces", traces(shop, span(TRACE_ID))) == 200)
    claim("the agent accepts a metric", agent.post("/v1/metrics", metrics(shop)) == 200)
    claim("the agent accepts a log record", agent.post("/v1/logs", log_records(shop)) == 200)
    ((of, found),) = received("a span", sink.spans)
    ids = found["traceId"], found["spanId"]
    claim("the backend receives the span", ids == (TRACE_ID, SPAN_ID), ids)
    claim("of its service", of["service.name"] == "shop", of)
    ((of, found),) = received("a log record", lambda: sink.logs("/otlp/v1/logs"))
    claim("Loki receives the log record", found["body"] == {"stringValue": "an order"}, found)
    claim("of its service", of["service.name"] == "shop", of)
    (series,) = eventually("Prometheus stores the metric", lambda: prometheus.series("shop_open"))
    job = series["metric"]["job"], series["metric"]["instance"]
    claim("with service and instance as labels", job == ("shop", "shop-1"), series)
    claim("and its value", series["value"][1] == "7", series)


def judge_names(agent, sink):
    """A service without a name is its deployment, and an old attribute is renamed."""
    deployed = {"k8s_deployment_name": "billing", "deployment_environment": "test"}
    for named, expected in [({}, "billing"), ({"service_name": "shop"}, "shop")]:
        sink.requests.clear()
        agent.post("/v1/traces", traces(resource(**named, **deployed), span(TRACE_ID)))
        ((found, _),) = received("a span", sink.spans)
        claim(f"the service is {expected}", found["service.name"] == expected, found)
        claim("in its environment", found["deployment.environment.name"] == "test", found)
        claim("which has one name", "deployment.environment" not in found, found)


def judge_sampling(sampling, sink):
    sink.requests.clear()
    shop = resource(service_name="shop")
    others = [f"{number:08x}{TRACE_ID[8:]}" for number in range(OTHERS)]
    failed, slow = "f" * 32, "e" * 32
    spans = [*map(span, others), span(failed, ERROR), span(slow, seconds=2)]
    claim("traces are accepted", sampling.post("/v1/traces", traces(shop, *spans)) == 200)

    def kept():
        return {it["traceId"] for _, _, it in sink.spans()}

    eventually("the failed and the slow trace are kept", lambda: {failed, slow} <= kept())
    # All traces are decided upon in one interval, and the end exports the rest.
    claim("it ends well", sampling.process.stop() == 0, sampling.process.said())
    rest = len(kept() - {failed, slow})
    claim(f"{rest} of {OTHERS} others are kept", LEAST <= rest <= MOST)


def received(what, items):
    """Waits for items, and returns each with the attributes of its resource."""
    return eventually(what, lambda: [(attributes(resource), item) for resource, _, item in items()])


main(*sys.argv[1:])
