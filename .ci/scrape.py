"""Runs the example `metrics`, scrapes it in both formats and parses the pages with prometheus-client, which has a
strict parser for OpenMetrics. The text format is written to a file for promtool.

`scrape.py METRICS FOLDER`: the program, and the folder for files.
"""

import pathlib
import signal
import sys

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as text

from processes import Process, claim, free_ports, get

EXPECTED = {
    "process_cpu_seconds",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_threads",
    "process_virtual_memory_bytes",
    "shop_basket_items",
    "shop_orders",
    "tokio_alive_tasks",
    "tokio_global_queue_depth",
    "tokio_worker_busy_seconds",
    "tokio_workers",
}


def main(program, folder):
    port, metrics_port = free_ports(2)
    environment = {"OTEL_EXPORTER_PROMETHEUS_PORT": str(metrics_port)}
    service = Process("metrics", [program, f"127.0.0.1:{port}"], environment)
    judge(service, f"http://127.0.0.1:{port}/orders", f"http://127.0.0.1:{metrics_port}", folder)
    claim("it ends well", service.stop(signal.SIGINT) == 0, service.said())


def judge(service, shop, metrics, folder):
    service.eventually("it is healthy", lambda: get(f"{metrics}/health"))
    for item in ["tea", "coffee", "tea"]:
        service.eventually("the shop responds", lambda item=item: get(f"{shop}/{item}"))

    content_type, page = get(f"{metrics}/metrics", "application/openmetrics-text; version=1.0.0")
    expected = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    claim("the page is OpenMetrics", content_type == expected, content_type)
    families = {family.name: family for family in openmetrics(page)}
    claim("it has every family", EXPECTED <= families.keys(), EXPECTED - families.keys())
    targets = [sample.labels for sample in families["target"].samples]
    claim("it has one target", len(targets) == 1, targets)
    claim("which is the service", targets[0]["service_name"] == "metrics", targets)
    environment = targets[0]["deployment_environment_name"]
    claim("in its environment", environment == "example", targets)
    orders = {sample.labels["shop_kind"]: sample.value for sample in families["shop_orders"].samples}
    claim("orders are counted", orders == {"tea": 2, "other": 1}, orders)

    content_type, page = get(f"{metrics}/metrics")
    expected = "text/plain; version=0.0.4; charset=utf-8"
    claim("the page is text unless OpenMetrics is accepted", content_type == expected, content_type)
    names = {family.name for family in text(page)}
    claim("it has every family", EXPECTED <= names, EXPECTED - names)
    pathlib.Path(folder, "metrics.txt").write_text(page)
    print(f"{len(families)} families in OpenMetrics, {len(names)} in text")


main(*sys.argv[1:])
