"""Names of metrics and labels as Prometheus stores them, read from the sources of the core."""

import pathlib
import re

CORE = pathlib.Path(__file__).parents[2] / "tracing-core-ext" / "src"
CONSTANT = re.compile(r'pub\(crate\) const (\w+): &str = "([^"]+)";')
CONVENTIONS = dict(CONSTANT.findall((CORE / "semconv/names.rs").read_text()))
SUFFIXES = {"s": "_seconds", "By": "_bytes", "": ""}


def prometheus(name):
    """A name of OpenTelemetry in the form that the exporter for Prometheus writes."""
    return re.sub(r"[^a-zA-Z0-9]+", "_", name)


def label(constant):
    """The label of an attribute of `semconv/names.rs`."""
    return prometheus(CONVENTIONS[constant])


def metric(constant, unit=""):
    """A metric of `semconv/names.rs`."""
    return prometheus(CONVENTIONS[constant]) + SUFFIXES[unit]


def literal(file, name):
    """A name that `file` contains as a string."""
    if f'"{name}"' not in (CORE / file).read_text():
        raise SystemExit(f"{CORE / file} does not contain the name {name!r}")
    return prometheus(name)


METHOD = label("HTTP_REQUEST_METHOD")
ROUTE = label("HTTP_ROUTE")
STATUS = label("HTTP_RESPONSE_STATUS_CODE")
ERROR = label("ERROR_TYPE")
ADDRESS = label("SERVER_ADDRESS")
PORT = label("SERVER_PORT")

DURATION = metric("HTTP_SERVER_REQUEST_DURATION", "s")
ACTIVE = metric("HTTP_SERVER_ACTIVE_REQUESTS")
REQUEST_SIZE = metric("HTTP_SERVER_REQUEST_BODY_SIZE", "By")
RESPONSE_SIZE = metric("HTTP_SERVER_RESPONSE_BODY_SIZE", "By")
CALL_DURATION = metric("HTTP_CLIENT_REQUEST_DURATION", "s")

_SELF = "export/delivery/self_metrics.rs"


def of_signal(signal, part, count):
    """A metric that exists once for each signal."""
    if f'name: "{signal}"' not in (CORE / _SELF).read_text():
        raise SystemExit(f"{CORE / _SELF} has no metrics of the signal {signal!r}")
    name = literal(_SELF, f"otel.sdk.{part}.{{name}}.{count}")
    return name.replace("_name_", f"_{signal}_")


PROCESSED = of_signal("span", "processor", "processed") + "_total"
QUEUE_SIZE = of_signal("span", "processor", "queue.size")
QUEUE_CAPACITY = of_signal("span", "processor", "queue.capacity")
EXPORTED = of_signal("span", "exporter", "exported") + "_total"
LOGS_PROCESSED = of_signal("log", "processor", "processed") + "_total"
LOGS_QUEUE_SIZE = of_signal("log", "processor", "queue.size")
LOGS_QUEUE_CAPACITY = of_signal("log", "processor", "queue.capacity")
LOGS_EXPORTED = of_signal("log", "exporter", "exported") + "_total"
HELD = literal(_SELF, "tracing_core_ext.held_spans") + "_total"
OUTCOME = literal(_SELF, "tracing_core_ext.outcome")
PANICS = literal(_SELF, "tracing_core_ext.contained_panics") + "_total"
CALLBACK = literal(_SELF, "tracing_core_ext.callback")
COMPONENT = literal(_SELF, "otel.component.name")
SKIPPED = literal("export/prometheus/registry/mod.rs", "otel_prometheus_skipped_total")
TARGET = literal("export/prometheus/format/family.rs", "target_info")

_RUNTIME = "export/prometheus/collectors/runtime.rs"
WORKERS = literal(_RUNTIME, "tokio_workers")
TASKS = literal(_RUNTIME, "tokio_alive_tasks")
GLOBAL_QUEUE = literal(_RUNTIME, "tokio_global_queue_depth")
BUSY = literal(_RUNTIME, "tokio_worker_busy_seconds_total")
PARKS = literal(_RUNTIME, "tokio_worker_parks_total")

_PROCESS = "export/prometheus/collectors/process.rs"
CPU = literal(_PROCESS, "process_cpu_seconds_total")
RESIDENT = literal(_PROCESS, "process_resident_memory_bytes")
VIRTUAL = literal(_PROCESS, "process_virtual_memory_bytes")
THREADS = literal(_PROCESS, "process_threads")
START = literal(_PROCESS, "process_start_time_seconds")
OPEN_FDS = literal(_PROCESS, "process_open_fds")
MAX_FDS = literal(_PROCESS, "process_max_fds")
