"""The runtime and the process of each instance."""

from grafana import dashboard, graph, query, stat
from names import BUSY, CPU, GLOBAL_QUEUE, MAX_FDS, OPEN_FDS, PARKS, RESIDENT, START, TASKS
from names import THREADS, VIRTUAL, WORKERS
from promql import INSTANCES, rate, total, where
from selection import INSTANCE_VARIABLES, RUNTIME_UID, SERVICE_UID, service_links

NAME = "{{job}} {{instance}}"
KEY = ("job", "instance")
LINKS = service_links(SERVICE_UID, "Service overview")
OF_RUST = f"{START}{where(INSTANCES)}"


def now(metric):
    return f"{metric}{where(INSTANCES)}"


def busy(*by):
    return f"{total(rate(BUSY, INSTANCES), *by)} / {total(now(WORKERS), *by)}"


def line(title, description, unit, expression, legend=NAME, **more):
    return graph(title, description, unit, query(expression, legend), links=LINKS, **more)


NOW = [
    stat("Instances", "Instances that are scraped.", "short", f"sum(up{where(INSTANCES)})"),
    stat(
        "Youngest instance",
        "Time since the last start of an instance.",
        "s",
        f"time() - max({OF_RUST})",
    ),
    stat(
        "Busiest workers",
        "Share of the time that the workers of the busiest instance are busy.",
        "percentunit",
        f"max({busy(*KEY)})",
        steps=[0.7, 0.9],
    ),
    stat(
        "Waiting tasks",
        "Tasks in the queue that the workers of an instance share. The largest of all instances.",
        "short",
        f"max({now(GLOBAL_QUEUE)})",
    ),
    stat("Memory", "Resident memory of all instances.", "bytes", f"sum({now(RESIDENT)})"),
    stat(
        "File descriptors",
        "Share of the limit that the instance with the most open ones uses.",
        "percentunit",
        f"max({now(OPEN_FDS)} / {now(MAX_FDS)})",
        steps=[0.6, 0.8],
    ),
]

RUNTIME = [
    line(
        "Busy workers",
        "Share of the time that the workers of the instance are busy. Near 1, requests wait.",
        "percentunit",
        busy(*KEY),
        most=1,
    ),
    line(
        "Busy time of each worker",
        "A worker that is busy while the others are idle runs a task that blocks.",
        "percentunit",
        total(rate(BUSY, INSTANCES), *KEY, "worker"),
        f"{NAME} worker {{{{worker}}}}",
        most=1,
    ),
    line(
        "Tasks",
        "Tasks that have not ended. Constant growth is a leak.",
        "short",
        now(TASKS),
    ),
    line(
        "Tasks that wait for a worker",
        "Tasks in the queue that all workers of the instance share.",
        "short",
        now(GLOBAL_QUEUE),
    ),
    line(
        "Parks of workers",
        "Number of times that workers had nothing to do. It falls when they are always busy.",
        "ops",
        total(rate(PARKS, INSTANCES), *KEY),
    ),
    line("Worker threads", "Workers of the runtime of the instance.", "short", now(WORKERS)),
]

PROCESS = [
    line(
        "CPU",
        "Seconds of CPU for each second: 1 is one core.",
        "short",
        rate(CPU, INSTANCES),
    ),
    line("Resident memory", "Memory in RAM.", "bytes", now(RESIDENT)),
    line("Virtual memory", "Memory that is mapped.", "bytes", now(VIRTUAL)),
    line(
        "Open file descriptors",
        "Share of the limit. At 1, no connection can be opened.",
        "percentunit",
        f"{now(OPEN_FDS)} / {now(MAX_FDS)}",
    ),
    line("Threads", "Threads of the process.", "short", now(THREADS)),
    line("Uptime", "Time since the process has started.", "s", f"time() - {OF_RUST}"),
]


def made():
    return dashboard(
        RUNTIME_UID,
        "Runtime and process",
        "Workers and tasks of tokio, and the process. Requires `Telemetry` with Prometheus, on"
        " Linux for the process.",
        INSTANCE_VARIABLES,
        {"Now": NOW, "Tokio": RUNTIME, "Process": PROCESS},
    )
