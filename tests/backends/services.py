"""Programs under test: examples of this repository, configured by environment variables alone."""

import dataclasses
import os
import pathlib
import re
import socket
import urllib.request

from processes import Process, free_ports

PROGRAMS = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"), "debug")
MEASURED = {"OTEL_METRICS_EXPORTER": "prometheus"}
LOSS = re.compile(r"(\d+) of (\d+) spans were not delivered to ")


@dataclasses.dataclass
class Signal:
    """Items that a server exports, and their words in metrics and log lines."""

    name: str
    items: str
    # A request has a server span and a child span of the handler, and one event.
    per_request: int
    # Items of a server that belong to no request.
    others: int
    # Level of the log lines of the server.
    level: str
    environment: dict


SPANS = Signal("span", "spans", 2, 0, "error", {})
# Lines at the start of the service are exported as well.
RECORDS = Signal(
    "log",
    "log records",
    1,
    20,
    "info",
    {
        "OTEL_TRACES_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "otlp",
        # The queue has space for the records of as many requests as that of spans.
        "OTEL_BLRP_MAX_QUEUE_SIZE": "1024",
    },
)


def shop(environment, *arguments):
    return Process("shop", [PROGRAMS / "shop", *arguments], environment)


class Server(Process):
    """`axum_server` or `actix_server`. Each request has two spans: the server span, and a child span of the handler."""

    def __init__(self, framework, environment, exported=SPANS):
        self.exported = exported
        port, self.metrics_port = free_ports(2)
        # Enables log lines of the exporter, and disables those of each request unless they are exported.
        quiet = {"RUST_LOG": f"warn,tracing_core_ext=info,{framework}_server={exported.level}"}
        arguments = [PROGRAMS / f"{framework}_server", f"127.0.0.1:{port}"]
        metrics = {"OTEL_EXPORTER_PROMETHEUS_PORT": str(self.metrics_port)}
        super().__init__(framework, arguments, quiet | metrics | environment | exported.environment)
        self.url = f"http://127.0.0.1:{port}/items/7"
        self.eventually(f"{framework} listens", lambda: socket.create_connection(("127.0.0.1", port)).close() or True)

    def tally(self):
        """Returns the counts of its Prometheus metrics. Requires `MEASURED`."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10) as response:
            page = response.read().decode()

        def count(pattern):
            return sum(int(value) for value in re.findall(rf"(?m)^otel_sdk_{pattern} (\d+)$", page))

        name = self.exported.name
        return {
            "delivered": count(rf'exporter_{name}_exported_total{{otel_component[^}}]*}}'),
            "failed": count(rf'exporter_{name}_exported_total{{error_type="[^}}]*}}'),
            "dropped": count(rf'processor_{name}_processed_total{{error_type="queue_full"[^}}]*}}'),
            "waiting": count(rf"processor_{name}_queue_size{{[^}}]*}}"),
        }

    def loss(self):
        """Returns the logged numbers of lost and of all items, or `(0, None)` if no loss is logged."""
        match = re.search(rf"(\d+) of (\d+) {self.exported.items} were not delivered to ", self.said())
        return (int(match[1]), int(match[2])) if match else (0, None)
