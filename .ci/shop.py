"""Opens the shop, drives some hundred requests, has Prometheus scrape its three services, and asks Prometheus what it saw.
Then floods the gateway with paths, methods and hosts of which no two are alike.

`shop.py SHOP FOLDER`: the program and where to leave files; the pages of the services stay there for promtool.
"""

import http.client
import json
import math
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics

REQUESTS = 300
SERVICES = {"gateway": "/checkout/{item}", "inventory": "/stock/{item}", "pricing": "/prices/{item}"}
DURATION = "http_server_request_duration_seconds"
PATIENCE = 60
# Buckets are up to two and a half times as wide as their lower bound.
FACTOR = 2.5

FLOOD = 200_000
WARM_UP = 20_000
BATCH = 100
MOST_SERIES = 10
MOST_GROWTH = 8 * 1024 * 1024


def get(url, accept="*/*"):
    request = urllib.request.Request(url, headers={"accept": accept})
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.read().decode()


def eventually(what, attempt):
    """The first true answer of `attempt`."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if answer := attempt():
                return answer
        except OSError:
            pass
        time.sleep(0.2)
    raise SystemExit(f"waited {PATIENCE} s for {what}")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start(arguments, log):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    with open(log, "w") as output:
        return subprocess.Popen(arguments, stdout=output, stderr=subprocess.STDOUT, env=environment)


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=30)


def drive(gateway):
    """Asks for tea, and every tenth time for honey, which is slow. Answers how long each took."""
    address = urllib.parse.urlsplit(gateway)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
    seconds = []
    for number in range(REQUESTS):
        started = time.perf_counter()
        connection.request("GET", f"/checkout/{'honey' if number % 10 == 0 else 'tea'}")
        response = connection.getresponse()
        assert (response.status, response.read()) == (200, b"12.50\n"), response.status
        seconds.append(time.perf_counter() - started)
    return sorted(seconds)


class Prometheus:
    def __init__(self, folder, targets):
        self.url = f"http://127.0.0.1:{free_port()}"
        config = folder / "prometheus.yml"
        jobs = [
            {"job_name": name, "static_configs": [{"targets": [urllib.parse.urlsplit(url).netloc]}]}
            for name, url in targets.items()
        ]
        # JSON is YAML.
        config.write_text(json.dumps({"global": {"scrape_interval": "1s"}, "scrape_configs": jobs}))
        subprocess.run(["promtool", "check", "config", config], check=True)
        subprocess.run(["rm", "-rf", folder / "tsdb"], check=True)
        self.process = start(
            [
                "prometheus",
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                f"--web.listen-address={urllib.parse.urlsplit(self.url).netloc}",
                "--enable-feature=exemplar-storage",
            ],
            folder / "prometheus.log",
        )

    def ask(self, what, **parameters):
        answer = json.loads(get(f"{self.url}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"))
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, query):
        return self.ask("query", query=query)["result"]

    def value(self, query):
        result = self.query(query)
        return float(result[0]["value"][1]) if result else math.nan


def judge(prometheus, targets, seconds, log):
    up = eventually("three targets", lambda: (it := prometheus.query("up == 1")) and len(it) == 3 and it)
    assert {it["metric"]["job"] for it in up} == set(targets), up

    for name, route in SERVICES.items():
        labels = f'job="{name}",http_route="{route}",http_request_method="GET",http_response_status_code="200"'
        labels += ',network_protocol_version="1.1",url_scheme="http"'
        count = f"{DURATION}_count{{{labels}}}"
        eventually(f"{count} = {REQUESTS}", lambda: prometheus.value(count) == REQUESTS)
        assert len(prometheus.query(f'{DURATION}_count{{job="{name}"}}')) == 1, name
        assert prometheus.value(f'http_server_active_requests{{job="{name}"}}') == 0, name
        print(f"{count} {REQUESTS}")
    for name in ["gateway", "inventory"]:
        query = f'sum(http_client_request_duration_seconds_count{{job="{name}"}})'
        assert prometheus.value(query) == REQUESTS, name

    buckets = f'sum by (le) ({DURATION}_bucket{{job="gateway"}})'
    for quantile in [0.5, 0.95]:
        theirs = prometheus.value(f"histogram_quantile({quantile}, {buckets})")
        ours = seconds[int(quantile * len(seconds))]
        print(f"quantile {quantile}: Prometheus {theirs:.4f} s, the load generator {ours:.4f} s")
        assert ours / FACTOR <= theirs <= ours * FACTOR, (quantile, theirs, ours)

    span = {"start": time.time() - 600, "end": time.time() + 60}
    exemplars = eventually(
        "exemplars", lambda: prometheus.ask("query_exemplars", query=f"{DURATION}_bucket", **span)
    )
    assert {series["seriesLabels"]["job"] for series in exemplars} == set(SERVICES), exemplars
    ids = {it["labels"]["trace_id"] for series in exemplars for it in series["exemplars"]}
    printed = lambda: ids & set(re.findall(r"\b[0-9a-f]{32}\b", log.read_text()))
    # The shop prints a trace once nothing more of it comes.
    eventually("the exemplars' traces", lambda: printed() == ids)
    print(f"{len(ids)} exemplars, and the shop has exported the trace of each")


def flood(gateway, metrics):
    """Neither series nor memory grow with what callers make up."""
    address = urllib.parse.urlsplit(gateway)
    counted = re.compile(rf"^{DURATION}_count{{", re.MULTILINE)
    resident = re.compile(r"^process_resident_memory_bytes (\S+)", re.MULTILINE)
    seen = []
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        for first in range(0, FLOOD, BATCH):
            pipeline(connection, first)
            if first + BATCH in (WARM_UP, FLOOD):
                page = get(metrics)
                seen.append((len(counted.findall(page)), float(resident.search(page)[1])))
    (series, before), (series_after, after) = seen
    print(f"{FLOOD} distinct paths, methods and hosts: {series_after} series ({series} after {WARM_UP}),")
    print(f"{after / 1024:.0f} KiB resident ({before / 1024:.0f} KiB after {WARM_UP})")
    assert series_after <= MOST_SERIES, series_after
    assert after - before <= MOST_GROWTH, (before, after)


def pipeline(connection, first):
    """Sends a batch at once and reads its answers. One request of a hundred is sampled."""
    requests = []
    for number in range(first, first + BATCH):
        method = "GET" if number % 3 == 0 else f"M{number}"
        sampled = "01" if number % 100 == 0 else "00"
        requests.append(
            f"{method} /made-up/{number}?page={number} HTTP/1.1\r\nhost: h{number}.example\r\n"
            f"traceparent: 00-{number + 1:032x}-{number + 1:016x}-{sampled}\r\n\r\n"
        )
    connection.sendall("".join(requests).encode())
    answers = b""
    while answers.count(b"HTTP/1.1 404 ") < BATCH:
        read = connection.recv(1 << 16)
        assert read, "the gateway has closed the connection"
        answers += read


def main(program, folder):
    folder = pathlib.Path(folder)
    log = folder / "shop.log"
    shop = start([program, "--serve", "--port=0", "--metrics-port=0", "--panel-port=0"], log)
    prometheus = None
    try:
        gateway = eventually("the shop", lambda: re.search(r"curl (\S+)/checkout/", log.read_text()))[1]
        targets = dict(re.findall(r"metrics of (\w+): (\S+)", log.read_text()))
        assert targets.keys() == SERVICES.keys(), targets
        prometheus = Prometheus(folder, targets)
        seconds = drive(gateway)
        judge(prometheus, targets, seconds, log)
        flood(gateway, targets["gateway"])
        for name, url in targets.items():
            families = list(openmetrics(get(url, "application/openmetrics-text; version=1.0.0")))
            (folder / f"{name}.txt").write_text(get(url))
            print(f"{name}: {len(families)} families in OpenMetrics")
    finally:
        if prometheus:
            stop(prometheus.process)
        stop(shop)
    assert shop.returncode == 0, log.read_text()[-2000:]


main(*sys.argv[1:])
