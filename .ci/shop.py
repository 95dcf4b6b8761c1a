"""Runs the shop, sends some hundred requests, and queries each Prometheus that scrapes its three
services and evaluates the rules and the queries of `deploy`. Then floods the gateway with distinct
paths, methods and hosts.

`shop.py SHOP FOLDER PROMETHEUS...`: the program, the folder for files, and programs of Prometheus,
with promtool beside each. The pages of the services are written to the folder for promtool.
"""

import http.client
import pathlib
import re
import socket
import sys
import time
import urllib.parse

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics

from processes import Process, claim, fail, get
from prometheus_server import Prometheus
from shop_dashboards import judge_dashboards
from shop_rules import FILES, judge_rules

REQUESTS = 300
SERVICES = {"gateway": "/checkout/{item}", "inventory": "/stock/{item}", "pricing": "/prices/{item}"}
DURATION = "http_server_request_duration_seconds"
# Buckets are up to two and a half times as wide as their lower bound.
FACTOR = 2.5

FLOOD = 200_000
WARM_UP = 20_000
BATCH = 100
MOST_SERIES = 10
MOST_GROWTH = 8 * 1024 * 1024


def drive(gateway):
    """Requests tea, and for each tenth request honey, which is slow. Returns the sorted durations in seconds."""
    address = urllib.parse.urlsplit(gateway)
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=10)
    seconds, answers = [], set()
    for number in range(REQUESTS):
        started = time.perf_counter()
        connection.request("GET", f"/checkout/{'honey' if number % 10 == 0 else 'tea'}")
        response = connection.getresponse()
        answers.add((response.status, response.read()))
        seconds.append(time.perf_counter() - started)
    claim("the gateway responds", answers == {(200, b"12.50\n")}, answers)
    return sorted(seconds)


def judge(prometheus, targets, seconds, shop):
    print(prometheus.program, flush=True)
    up = prometheus.eventually("three targets", lambda: (it := prometheus.query("up == 1")) and len(it) == 3 and it)
    claim("they are the services", {it["metric"]["job"] for it in up} == set(targets), up)

    for name, route in SERVICES.items():
        labels = f'job="{name}",http_route="{route}",http_request_method="GET",http_response_status_code="200"'
        labels += ',network_protocol_version="1.1",url_scheme="http"'
        count = f"{DURATION}_count{{{labels}}}"
        prometheus.eventually(f"{count} = {REQUESTS}", lambda: prometheus.value(count) == REQUESTS)
        series = prometheus.query(f'{DURATION}_count{{job="{name}"}}')
        claim(f"{name} has one series", len(series) == 1, series)
        active = prometheus.value(f'http_server_active_requests{{job="{name}"}}')
        claim(f"{name} has no active request", active == 0, active)
        print(f"{count} {REQUESTS}")
    for name in ["gateway", "inventory"]:
        query = f'sum(http_client_request_duration_seconds_count{{job="{name}"}})'
        claim(f"{query} = {REQUESTS}", prometheus.value(query) == REQUESTS)

    buckets = f'sum by (le) ({DURATION}_bucket{{job="gateway"}})'
    for quantile in [0.5, 0.95]:
        theirs = prometheus.value(f"histogram_quantile({quantile}, {buckets})")
        ours = seconds[int(quantile * len(seconds))]
        print(f"quantile {quantile}: Prometheus {theirs:.4f} s, the load generator {ours:.4f} s")
        claim("both agree", ours / FACTOR <= theirs <= ours * FACTOR, (quantile, theirs, ours))

    span = {"start": time.time() - 600, "end": time.time() + 60}
    exemplars = prometheus.eventually(
        "exemplars", lambda: prometheus.ask("query_exemplars", query=f"{DURATION}_bucket", **span)
    )
    jobs = {series["seriesLabels"]["job"] for series in exemplars}
    claim("every service has exemplars", jobs == set(SERVICES), exemplars)
    ids = {it["labels"]["trace_id"] for series in exemplars for it in series["exemplars"]}
    printed = lambda: ids & set(re.findall(r"\b[0-9a-f]{32}\b", shop.said()))
    # The shop prints a trace after its last span has arrived.
    shop.eventually("the exemplars' traces", lambda: printed() == ids)
    print(f"{len(ids)} exemplars, and the shop has exported the trace of each")


def flood(gateway, metrics):
    """Checks that neither series nor memory grow with values that callers choose."""
    address = urllib.parse.urlsplit(gateway)
    counted = re.compile(rf"^{DURATION}_count{{", re.MULTILINE)
    resident = re.compile(r"^process_resident_memory_bytes (\S+)", re.MULTILINE)
    seen = []
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        for first in range(0, FLOOD, BATCH):
            pipeline(connection, first)
            if first + BATCH in (WARM_UP, FLOOD):
                _, page = get(metrics)
                seen.append((len(counted.findall(page)), float(resident.search(page)[1])))
    (series, before), (series_after, after) = seen
    print(f"{FLOOD} distinct paths, methods and hosts: {series_after} series ({series} after {WARM_UP}),")
    print(f"{after / 1024:.0f} KiB resident ({before / 1024:.0f} KiB after {WARM_UP})")
    claim("series are bounded", series_after <= MOST_SERIES, series_after)
    claim("memory is bounded", after - before <= MOST_GROWTH, (before, after))


def pipeline(connection, first):
    """Sends a batch of pipelined requests and reads the responses. One request in a hundred is sampled."""
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
        if not read:
            fail("the gateway keeps the connection")
        answers += read


def main(program, folder, *prometheus):
    shop = Process("shop", [program, "--serve", "--port=0", "--metrics-port=0", "--panel-port=0"])
    judge_shop(shop, pathlib.Path(folder), [pathlib.Path(it) for it in prometheus])
    claim("the shop ends well", shop.stop() == 0, shop.said())


def judge_shop(shop, folder, programs):
    gateway = shop.wait_for(r"curl (\S+)/checkout/")[1]
    targets = dict(re.findall(r"metrics of (\w+): (\S+)", shop.said()))
    claim("every service has metrics", targets.keys() == SERVICES.keys(), targets)
    scraping = [Prometheus(it, folder / f"data-{at}", targets, FILES) for at, it in enumerate(programs)]
    seconds = drive(gateway)
    for prometheus in scraping:
        judge(prometheus, targets, seconds, shop)
        judge_rules(prometheus)
    for prometheus in scraping:
        judge_dashboards(prometheus, gateway)
    flood(gateway, targets["gateway"])
    for prometheus in scraping:
        claim("Prometheus ends well", prometheus.process.stop() == 0, prometheus.process.said())
    for name, url in targets.items():
        _, page = get(url, "application/openmetrics-text; version=1.0.0")
        families = list(openmetrics(page))
        (folder / f"{name}.txt").write_text(get(url)[1])
        print(f"{name}: {len(families)} families in OpenMetrics")


main(*sys.argv[1:])
