"""Faults of backends while a service is under load.

Each fault starts after a time of normal delivery. After its end, delivery resumes without intervention. The checks for
each fault: no request fails, no request takes much longer, memory is bounded, and every span or log record is delivered
or counted as lost. The service logs once that they are lost, with the reason, and once that delivery has resumed.
"""

import concurrent.futures
import dataclasses
import statistics
import threading
import time
import typing

from backend import Backend, JaegerBackend, LogBackend, busy, reset, silent, well
from certificates import Authority
from collector import GRPC, Collector
from load import CONNECTIONS, load
from processes import claim, eventually
from services import MEASURED, RECORDS, SPANS, Server

# The number is fixed and does not depend on the measurements. Other programs may use this machine.
ROUNDS = 11
SECONDS = 1
MOST_TIMES_P99 = 2.0
# A full queue, a batch that is being exported, and memory that the allocator does not return.
MOST_GROWTH = 16 << 20
MOMENT = 0.7
# The queue has space for all spans that end before the next attempt.
ROOM = {"OTEL_BSP_MAX_QUEUE_SIZE": "8192"}
DOWN = "{} cannot be delivered"
UP = "{} are delivered again"
# The end of a loss is logged after 30 s without another loss.
QUIET = 60
# Only one service is under load at a time. Another one may wait for that line in the meantime.
UNDER_LOAD = threading.Lock()
NO_EXPORTER = {"OTEL_TRACES_EXPORTER": "none"}
HASTE = {
    "OTEL_BSP_SCHEDULE_DELAY": "200",
    "OTEL_BLRP_SCHEDULE_DELAY": "200",
    "OTEL_EXPORTER_OTLP_TIMEOUT": "2500",
}


@dataclasses.dataclass
class Fault:
    name: str
    framework: str
    # Part of the reason in the log line of the service.
    reason: str
    begin: typing.Callable
    end: typing.Callable
    lasts: float = 0
    # Time between attempts that the backend requires, in seconds.
    retry_after: float = 0


def behave(how):
    return lambda backend: setattr(backend, "behave", how)


FAULTS = [
    Fault("does not exist", "axum", "no answer within 2.5s", Backend.vanish, Backend.appear),
    Fault("refuses connections", "actix", "Connection refused", Backend.stop, Backend.start),
    Fault("takes requests and never answers", "axum", "no answer within 2.5s", behave(silent), behave(well)),
    Fault("answers 429 with Retry-After", "actix", "HTTP 429", behave(busy(429, 1)), behave(well), retry_after=1),
    Fault("answers 503 with Retry-After", "axum", "HTTP 503", behave(busy(503, 1)), behave(well), retry_after=1),
    Fault("resets connections", "actix", "Connection reset", behave(reset), behave(well)),
    Fault("comes back after 30 s", "axum", "Connection refused", Backend.stop, Backend.start, lasts=30),
]


def judge():
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        running = [pool.submit(judge_one, fault, *of) for fault in FAULTS for of in ((Backend, SPANS), (LogBackend, RECORDS))]
        running += [pool.submit(it) for it in (judge_jaeger, judge_wrong_authority, judge_restart)]
        try:
            for one in concurrent.futures.as_completed(running):
                one.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    judge_moment("actix", Backend(), Backend.variables)
    collector = Collector({"open": None})
    judge_moment("axum", collector, lambda it: it.variables("open", GRPC))


def judge_one(fault, kind, exported):
    backend = kind()
    judge_fault(fault, backend, backend.variables(), exported)


def judge_jaeger():
    backend = JaegerBackend()
    fault = Fault("for Jaeger refuses connections", "actix", "Connection refused", Backend.stop, Backend.start)
    judge_fault(fault, backend, backend.variables() | {"OTEL_EXPORTER_JAEGER_TIMEOUT": "2500"})


def judge_wrong_authority():
    right, wrong = Authority("right"), Authority("wrong")
    backend = Backend(right.server())
    fault = Fault(
        "is not who it says",
        "actix",
        "certificate",
        lambda backend: (backend.stop(), backend.start(wrong.server())),
        lambda backend: (backend.stop(), backend.start(right.server())),
    )
    judge_fault(fault, backend, backend.variables() | {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(right.file)})


def judge_restart():
    collector = Collector({"open": None})
    fault = Fault("restarts", "axum", "Connection refused", Collector.stop, Collector.start)
    judge_fault(fault, collector, collector.variables("open", GRPC))
    collector.stop()


def judge_moment(framework, backend, variables):
    """Checks an outage that is shorter than the retries of the service, with fewer spans than its queue can hold."""
    print(f"the backend of a service on {framework} is away for a moment", flush=True)
    server = Server(framework, MEASURED | ROOM | variables(backend))
    with concurrent.futures.ThreadPoolExecutor() as pool:
        run = pool.submit(load, server.url, 4 * SECONDS)
        eventually("spans arrive", lambda: backend.spans)
        backend.stop()
        time.sleep(MOMENT)
        backend.start()
    claim("no request fails", run.result().failed == 0, run.result())
    claim("it ends well", server.stop() == 0, server.said())
    delivered = len(set(backend.spans))
    least = run.result().answered * server.exported.per_request
    claim(f"all {delivered} spans are delivered, each once", least <= delivered == len(backend.spans), run.result())
    claim("it has nothing to say", not server.said(), server.said())
    backend.stop()


def judge_fault(fault, backend, variables, exported=SPANS):
    with UNDER_LOAD:
        plain, server, runs, before, arrived = judge_loss(fault, backend, variables, exported)
    server.wait_for(UP.format(exported.items), QUIET)
    with UNDER_LOAD:
        print(f"… the backend of {exported.items} that {fault.name} is there again", flush=True)
        runs.append(load(server.url, SECONDS))
        claim("delivery resumes", len(backend.spans) > arrived)
        growth = server.resident() - before
        claim(f"memory is bounded: {growth / 1024:.0f} KiB more", growth <= MOST_GROWTH)
        plain.stop()
        judge_counts(server, backend, runs)


def judge_loss(fault, backend, variables, exported):
    """Checks a service from its start until the fault has ended. Returns what the checks after that compare."""
    print(f"the backend of {exported.items} of a service on {fault.framework} {fault.name}", flush=True)
    down, up = DOWN.format(exported.items), UP.format(exported.items)
    # The service without an exporter prints the same lines.
    level = {"RUST_LOG": f"warn,{fault.framework}_server={exported.level}"}
    plain = Server(fault.framework, NO_EXPORTER | level)
    server = Server(fault.framework, MEASURED | HASTE | variables, exported)
    load(plain.url, SECONDS)
    runs = [load(server.url, SECONDS)]
    eventually(f"{exported.items} arrive while all is well", lambda: backend.spans)
    before = server.resident()

    began = time.monotonic()
    fault.begin(backend)
    runs += compare(plain, server)
    while time.monotonic() < began + fault.lasts:
        runs.append(load(server.url, SECONDS))
    lines = server.lines(down)
    claim(f"it says once that they are lost: {fault.reason}", len(lines) == 1 and fault.reason in lines[0], lines)
    claim("and not that they no longer are", not server.lines(up), server.lines(up))
    tally = server.tally()
    claim(f"its metrics tell of it: {tally}", tally["failed"] + tally["dropped"] > 0)
    if fault.retry_after:
        waits(backend.asked, began, fault.retry_after)

    arrived = len(backend.spans)
    fault.end(backend)
    runs += deliver_again(server)
    return plain, server, runs, before, arrived


def deliver_again(server):
    """Sends requests until spans are delivered, because only a delivery ends a loss. Returns the runs.

    Batches that wait for their next attempt may be lost after the backend has recovered.
    """
    runs, delivered = [], server.tally()["delivered"]
    for _ in range(10):
        runs.append(load(server.url, SECONDS))
        eventually("nothing waits", lambda: server.tally()["waiting"] == 0)
        if server.tally()["delivered"] > delivered:
            break
    return runs


def compare(plain, server):
    """Compares the 99th percentile of the service with that of a service without exporter, in alternating runs.

    Returns the runs of the service.
    """
    rounds = [(load(plain.url, SECONDS), load(server.url, SECONDS)) for _ in range(ROUNDS)]
    without, with_fault = (statistics.median(it.p99 for it in side) for side in zip(*rounds))
    ratio = with_fault / without
    p99 = f"p99 {with_fault:.2f} ms, {without:.2f} ms without exporter, {ratio:.2f} times, in {ROUNDS} rounds"
    claim(p99, ratio <= MOST_TIMES_P99)
    return [run for _, run in rounds]


def waits(asked, began, retry_after):
    """Checks the number of attempts. After the last attempt of a batch, the next batch is sent without a pause."""
    asked = [it for it in asked if it > began]
    most = 2 * (time.monotonic() - began) / retry_after + 2
    claim(f"it asks {len(asked)} times where it may ask {most:.0f} times", len(asked) <= most)


def judge_counts(server, backend, runs):
    answered, failed = (sum(getattr(run, what) for run in runs) for what in ("answered", "failed"))
    claim(f"no request fails of {answered}", failed == 0, runs)
    eventually("nothing waits any more", lambda: server.tally()["waiting"] == 0)
    tally = server.tally()
    code = server.stop()
    lost, ended = server.loss()
    # A backend counts spans shortly after its response.
    eventually(f"{ended - lost} items are delivered", lambda: len(backend.spans) >= ended - lost)
    delivered = len(backend.spans)
    claim(f"delivered + lost = ended: {delivered} + {lost} = {ended}", delivered + lost == ended, server.said())
    # Log lines of the end of the service are exported after its metrics were read.
    later = delivered - tally["delivered"]
    is_same = 0 <= later <= server.exported.others and tally["failed"] + tally["dropped"] == lost
    claim(f"its metrics tell the same: {tally}", is_same)
    # At the end of a run, wrk closes the connections of requests without a response.
    least, most = (it * server.exported.per_request for it in (answered, answered + CONNECTIONS * len(runs)))
    most += server.exported.others
    claim(f"which is what {answered} requests must end", least <= ended <= most, (least, ended, most))
    claim("nothing is delivered twice", len(set(backend.spans)) == delivered)
    claim("who has lost spans does not exit with 0", code == 1, code)
    for line in [DOWN, UP]:
        line = line.format(server.exported.items)
        claim(f"one line says: {line}", len(server.lines(line)) == 1, server.lines(line))
