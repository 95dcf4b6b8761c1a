"""Scrapes a service with hostile names, descriptions, labels and values: with each Prometheus, and with
the parsers of prometheus-client. What they read has to be equal to what the service has recorded.

`hostile.py SERVICE FOLDER PROMETHEUS...`: the program, the folder for files, and programs of Prometheus.
"""

import json
import math
import pathlib
import re
import subprocess
import sys
import time
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as text

from processes import claim, eventually, fail, free_ports, get
from prometheus_server import Prometheus

ACCEPT = "application/openmetrics-text; version=1.0.0"
CRATE, OTEL = "hostile_crate_total", "hostile_orders_of_tea__total"
GAUGES = ["NaN", "inf", "-inf"]
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
# Characters of all labels of an exemplar, by OpenMetrics.
MOST_EXEMPLAR = 128


class Service:
    """Its output contains control characters, so it is not a log file."""

    def __init__(self, program):
        (port,) = free_ports(1)
        self.log = open(f"{program}.log", "w+b")
        self.process = subprocess.Popen(
            [program],
            env={"OTEL_EXPORTER_PROMETHEUS_PORT": str(port), "OTEL_TRACES_EXPORTER": "none"},
            stdin=subprocess.PIPE,
            stdout=self.log,
            stderr=self.log,
        )
        ready = eventually("the service is ready", lambda: re.search(r"(?m)^ready (\S+) (\S+)$", self.said()))
        self.url, self.metrics = ready.groups()
        self.expected = json.loads(re.search(r"(?m)^expected (.+)$", self.said())[1])

    def said(self):
        return pathlib.Path(self.log.name).read_text()

    def stop(self):
        self.process.stdin.close()
        return self.process.wait(30)


def page(url, parse, accept):
    families = {family.name: family for family in parse(get(url, accept)[1])}
    return families, {name: family.samples for name, family in families.items()}


def labels(samples, name, key):
    return sorted(it.labels[key] for it in samples if it.name == name and key in it.labels)


def judge_page(service, kind, parse, accept):
    families, samples = page(f"{service.metrics}/metrics", parse, accept)
    # Text has the names of series, OpenMetrics those of families.
    counters = {name.removesuffix("_total"): it for name, it in samples.items()}
    values = sorted(service.expected["values"])
    for name in (CRATE, OTEL):
        found = labels(counters[name.removesuffix("_total")], name, "value")
        claim(f"{kind}: {name} has all values of labels", found == values, found)
    own = {key for it in counters[OTEL.removesuffix("_total")] for key in it.labels}
    keys = own - {"value"} - {it for it in own if it.startswith("otel_scope_")}
    claim(f"{kind}: it has all keys of labels", keys == set(service.expected["keys"]), keys)
    gauges = {it.labels["value"]: it.value for it in samples["hostile_gauge"]}
    for value, found in gauges.items():
        expected = float(value)
        same = math.isnan(found) if math.isnan(expected) else float(found) == expected
        claim(f"{kind}: the value {value:.12} is exact", same, found)
    claim(f"{kind}: the values are complete", set(GAUGES) <= gauges.keys() and len(gauges) == 6, gauges)
    target = samples["target" if parse is openmetrics else "target_info"][0].labels
    claim(f"{kind}: the name of the service", target["service_name"] == 'hos"ti\\le\n\U0001f980', target)
    claim(f"{kind}: a label `le` of a user is left out", not any("hostile_le" in it for it in families))
    if parse is openmetrics:
        judge_exemplars(samples["http_server_request_duration_seconds"])


def judge_exemplars(samples):
    found = [it.exemplar for it in samples if it.exemplar]
    claim("OpenMetrics: a request is an exemplar", len(found) == 1, found)
    ids = found[0].labels
    claim("OpenMetrics: of its trace", ids["trace_id"] == TRACE_ID, ids)
    length = sum(len(key) + len(value) for key, value in ids.items())
    claim(f"OpenMetrics: its labels have {length} characters", length <= MOST_EXEMPLAR)


def judge_prometheus(program, folder, service):
    prometheus = Prometheus(program, folder, {"hostile": service.metrics})
    prometheus.eventually("the target is up", lambda: prometheus.value("up") == 1)
    values = sorted(service.expected["values"])
    for name in (CRATE, OTEL):
        # An empty label is equal to an absent one.
        found = prometheus.query(f"{name}{{value!=''}}")
        read = sorted(it["metric"]["value"] for it in found)
        claim(f"{program}: {name} has all values of labels", read == [it for it in values if it], read)
    for key in service.expected["keys"]:
        series = prometheus.query(f"{OTEL}{{{key}='key'}}")
        claim(f"{program}: {OTEL} has the key {key}", len(series) == 1, series)
    for value in GAUGES:
        read = prometheus.value(f"hostile_gauge{{value='{value}'}}")
        claim(f"{program}: the value {value}", str(read) == value.lower(), read)
    span = {"start": time.time() - 600, "end": time.time() + 60}
    exemplars = prometheus.ask("query_exemplars", query="http_server_request_duration_seconds_bucket", **span)
    ids = [it["labels"]["trace_id"] for series in exemplars for it in series["exemplars"]]
    claim(f"{program}: the exemplar is that of the trace", ids == [TRACE_ID], exemplars)
    claim("Prometheus ends well", prometheus.process.stop() == 0)


def judge_promtool(program, page):
    """Status 3 means that the names are unusual, which they are."""
    check = subprocess.run([program, "check", "metrics"], input=page.encode(), capture_output=True)
    errors = check.stderr.decode(errors="replace")
    is_parsed = check.returncode in (0, 3) and "error while" not in errors
    claim(f"{program} reads the text", is_parsed, errors)


def main(program, folder, *programs):
    service = Service(program)
    headers = {"traceparent": f"00-{TRACE_ID}-00f067aa0ba902b7-01"}
    urllib.request.urlopen(urllib.request.Request(service.url, headers=headers), timeout=10).read()
    judge_page(service, "OpenMetrics", openmetrics, ACCEPT)
    judge_page(service, "text", text, "text/plain")
    for at, it in enumerate(map(pathlib.Path, programs)):
        judge_promtool(it.with_name("promtool"), get(f"{service.metrics}/metrics")[1])
        judge_prometheus(it, pathlib.Path(folder, f"hostile-{at}"), service)
    if service.stop():
        fail("the service ends well", service.said()[-1000:])


main(*sys.argv[1:])
