"""Scrapes a service in both formats and reads the answers with the parsers of prometheus-client, the strict one for
OpenMetrics; the text is left in a file for promtool.
"""

import pathlib
import sys
import time
import urllib.error
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as text

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


def get(url, accept="*/*"):
    request = urllib.request.Request(url, headers={"accept": accept})
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.headers["content-type"], response.read().decode()


def wait_for(url):
    for _ in range(100):
        try:
            return get(url)
        except urllib.error.URLError:
            time.sleep(0.1)
    raise SystemExit(f"{url} does not answer")


def main(shop, service, folder):
    wait_for(f"{service}/health")
    for item in ["tea", "coffee", "tea"]:
        wait_for(f"{shop}/{item}")

    content_type, page = get(f"{service}/metrics", "application/openmetrics-text; version=1.0.0")
    assert content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8", content_type
    families = {family.name: family for family in openmetrics(page)}
    assert EXPECTED <= families.keys(), EXPECTED - families.keys()
    (target,) = families["target"].samples
    assert target.labels["service_name"] == "metrics", target
    assert target.labels["deployment_environment_name"] == "example", target
    orders = {sample.labels["shop_kind"]: sample.value for sample in families["shop_orders"].samples}
    assert orders == {"tea": 2, "other": 1}, orders

    content_type, page = get(f"{service}/metrics")
    assert content_type == "text/plain; version=0.0.4; charset=utf-8", content_type
    names = {family.name for family in text(page)}
    assert EXPECTED <= names, EXPECTED - names
    pathlib.Path(folder, "metrics.txt").write_text(page)
    print(f"{len(families)} families in OpenMetrics, {len(names)} in text")


main(*sys.argv[1:])
