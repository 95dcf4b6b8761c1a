"""Executes the queries of `deploy/grafana` on a Prometheus that scrapes the shop under load."""

import contextlib
import http.client
import itertools
import json
import math
import pathlib
import re
import threading
import time
import urllib.parse

from processes import claim

FOLDER = pathlib.Path("deploy/grafana/dashboards")
# Orders, and one that fails.
ITEMS = ["tea", "tea", "durian"]
VALUES = re.compile(r"label_values\((\w+(?:\{.*\})?), (\w+)\)")
RATE = re.compile(r"\b(?:rate|increase)\((\w+?)(?:_(?:bucket|count|sum))?\{")
# Counters without a series in the shop: of panics, of log records that are exported, and of spans
# that wait for a decision.
ABSENT = {
    "otel_sdk_exporter_log_exported_total",
    "otel_sdk_processor_log_processed_total",
    "tracing_core_ext_contained_panics_total",
    "tracing_core_ext_held_spans_total",
}
# The scrape interval is one second.
INTERVALS = {"__rate_interval": "20s", "__range": "60s", "__interval": "5s"}
# What a person selects: one service, and the route that all requests have.
ONE = {"service": "gateway", "method": "GET", "route": "/checkout/{item}", "server": "127.0.0.1"}
SPECIAL = re.compile(r"[\\^$*+?.()|{}\[\]/]")


def judge_dashboards(prometheus, gateway):
    """Every query returns finite values, with all services selected and with a single route."""
    with load(gateway):
        for file in sorted(FOLDER.glob("*.json")):
            judge(prometheus, json.loads(file.read_text()))


@contextlib.contextmanager
def load(gateway):
    """Sends requests until the end of the block."""
    address = urllib.parse.urlsplit(gateway)
    is_over = threading.Event()

    def send():
        for item in itertools.cycle(ITEMS):
            connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
            connection.request("GET", f"/checkout/{item}")
            connection.getresponse().read()
            connection.close()
            if is_over.wait(0.02):
                return

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def judge(prometheus, dashboard):
    everything, one = selections(prometheus, dashboard["templating"]["list"])
    targets = [(panel, it) for panel in dashboard["panels"] for it in panel.get("targets", [])]
    kinds = {name: it[0]["type"] for name, it in prometheus.ask("metadata").items()}
    for (panel, target), selected in itertools.product(targets, [everything, one]):
        what = f"{dashboard['title']}, {panel['title']}, {target['refId']}"
        expression = replaced(target["expr"], selected | INTERVALS)
        result = prometheus.eventually(
            f"{what} has data: {expression}", lambda: prometheus.query(expression)
        )
        found = [float(it["value"][1]) for it in result]
        if not all(map(math.isfinite, found)):
            claim(f"{what} has only finite values: {expression}", False, result)
        if target["exemplar"]:
            span = {"start": time.time() - 600, "end": time.time() + 60}
            exemplars = prometheus.ask("query_exemplars", query=expression, **span)
            claim(f"{what} has exemplars", exemplars, expression)
        for name in RATE.findall(expression):
            kind = kinds.get(name) or kinds.get(name.removesuffix("_total"))
            if kind not in ("counter", "histogram") and name not in ABSENT:
                claim(f"{what}: {name} is a counter", False, kind)
    claim(f"{dashboard['title']}: {len(targets)} queries have data", targets)


def selections(prometheus, variables):
    """The values of all variables when everything is selected, and when one of each is."""
    everything, one = {}, {}
    for it in variables:
        if it["type"] != "query":
            continue
        metric, label = VALUES.fullmatch(it["query"]["query"]).groups()
        ask = {"match[]": replaced(metric, everything)}
        found = prometheus.eventually(
            f"{it['name']} has values", lambda: prometheus.ask(f"label/{label}/values", **ask)
        )
        everything[it["name"]] = it.get("allValue") or f"({'|'.join(map(escaped, found))})"
        # The instance is that of the selected service.
        ask = {"match[]": replaced(metric, one)}
        found = prometheus.ask(f"label/{label}/values", **ask)
        chosen = ONE.get(it["name"], found[0])
        claim(f"{it['name']} can be {chosen}", chosen in found, found)
        one[it["name"]] = escaped(chosen)
    return everything, one


def escaped(value):
    """The value as Grafana writes it into a regular expression within a string."""
    return SPECIAL.sub(r"\\\\\g<0>", value)


def replaced(expression, selected):
    for name, value in selected.items():
        expression = expression.replace(f"${name}", value)
    return expression
