"""Programs under test: examples of this repository, configured by environment variables alone."""

import os
import pathlib
import re
import socket
import urllib.request

from processes import Process, free_ports

PROGRAMS = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"), "debug")
MEASURED = {"OTEL_METRICS_EXPORTER": "prometheus"}
LOSS = re.compile(r"(\d+) of (\d+) spans were not delivered to ")


def shop(environment, *arguments):
    return Process("shop", [PROGRAMS / "shop", *arguments], environment)


class Server(Process):
    """`axum_server` or `actix_server`. Each request has two spans: the server span, and a child span of the handler."""

    SPANS_PER_REQUEST = 2

    def __init__(self, framework, environment):
        port, self.metrics_port = free_ports(2)
        # Enables log lines of the exporter, and disables those of each request.
        quiet = {"RUST_LOG": f"warn,tracing_core_ext=info,{framework}_server=error"}
        arguments = [PROGRAMS / f"{framework}_server", f"127.0.0.1:{port}"]
        metrics = {"OTEL_EXPORTER_PROMETHEUS_PORT": str(self.metrics_port)}
        super().__init__(framework, arguments, quiet | metrics | environment)
        self.url = f"http://127.0.0.1:{port}/items/7"
        self.eventually(f"{framework} listens", lambda: socket.create_connection(("127.0.0.1", port)).close() or True)

    def tally(self):
        """Returns the span counts of its Prometheus metrics. Requires `MEASURED`."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10) as response:
            page = response.read().decode()

        def count(pattern):
            return sum(int(value) for value in re.findall(rf"(?m)^otel_sdk_{pattern} (\d+)$", page))

        return {
            "delivered": count(r'exporter_span_exported_total{otel_component[^}]*}'),
            "failed": count(r'exporter_span_exported_total{error_type="[^}]*}'),
            "dropped": count(r'processor_span_processed_total{error_type="queue_full"[^}]*}'),
            "waiting": count(r"processor_span_queue_size{[^}]*}"),
        }

    def loss(self):
        """Returns the logged numbers of lost and of ended spans, or `(0, None)` if no loss is logged."""
        match = LOSS.search(self.said())
        return (int(match[1]), int(match[2])) if match else (0, None)
