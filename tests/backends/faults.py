"""Backends that are down, each in its own way, while a service is under load.

Each fault begins after a while in which all is well, and ends: then delivery resumes by itself. Of each is claimed: no
request fails, none takes much longer, memory is bounded, every span is delivered or counted as lost, and the service
says once that spans are lost, and why, and once that they no longer are.
"""

import concurrent.futures
import dataclasses
import statistics
import time
import typing

from backend import Backend, JaegerBackend, busy, reset, silent, well
from certificates import Authority
from collector import GRPC, Collector
from load import CONNECTIONS, load
from processes import claim, eventually
from services import MEASURED, Server

# Their number does not depend on what they measure. Other programs may use this machine.
ROUNDS = 11
SECONDS = 1
MOST_TIMES_P99 = 2.0
# A full queue, a batch under way and what the allocator keeps of them.
MOST_GROWTH = 16 << 20
MOMENT = 0.7
# Room for what ends meanwhile, and until the next attempt.
ROOM = {"OTEL_BSP_MAX_QUEUE_SIZE": "8192"}
DOWN = "spans cannot be delivered"
UP = "spans are delivered again"
# A loss has ended after 30 s without one.
QUIET = 60
NO_EXPORTER = {"OTEL_TRACES_EXPORTER": "none"}
HASTE = {"OTEL_BSP_SCHEDULE_DELAY": "200", "OTEL_EXPORTER_OTLP_TIMEOUT": "2500"}


@dataclasses.dataclass
class Fault:
    name: str
    framework: str
    # Why spans are lost, as the service is to say it.
    reason: str
    begin: typing.Callable
    end: typing.Callable
    lasts: float = 0
    # Waits between attempts, in seconds, which the backend has asked for.
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
    for fault in FAULTS:
        backend = Backend()
        judge_fault(fault, backend, backend.variables())
    judge_jaeger()
    judge_wrong_authority()
    judge_restart()
    judge_moment("actix", Backend(), Backend.variables)
    collector = Collector({"open": None})
    judge_moment("axum", collector, lambda it: it.variables("open", GRPC))


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
    """A backend that is away for less than its services wait for it, with less than their queue has room for."""
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
    least = run.result().answered * server.SPANS_PER_REQUEST
    claim(f"all {delivered} spans are delivered, each once", least <= delivered == len(backend.spans), run.result())
    claim("it has nothing to say", not server.said(), server.said())
    backend.stop()


def judge_fault(fault, backend, variables):
    print(f"the backend of a service on {fault.framework} {fault.name}", flush=True)
    plain = Server(fault.framework, NO_EXPORTER)
    server = Server(fault.framework, MEASURED | HASTE | variables)
    load(plain.url, SECONDS)
    runs = [load(server.url, SECONDS)]
    eventually("spans arrive while all is well", lambda: backend.spans)
    before = server.resident()

    began = time.monotonic()
    fault.begin(backend)
    runs += compare(plain, server)
    while time.monotonic() < began + fault.lasts:
        runs.append(load(server.url, SECONDS))
    said = server.lines(DOWN)
    claim(f"it says once that spans are lost: {fault.reason}", len(said) == 1 and fault.reason in said[0], said)
    claim("and not that they no longer are", not server.lines(UP), server.lines(UP))
    tally = server.tally()
    claim(f"its metrics tell of it: {tally}", tally["failed"] + tally["dropped"] > 0)
    if fault.retry_after:
        waits(backend.asked, began, fault.retry_after)

    arrived = len(backend.spans)
    fault.end(backend)
    runs += deliver_again(server)
    server.wait_for(UP, QUIET)
    runs.append(load(server.url, SECONDS))
    claim("delivery resumes", len(backend.spans) > arrived)
    growth = server.resident() - before
    claim(f"memory is bounded: {growth / 1024:.0f} KiB more", growth <= MOST_GROWTH)
    plain.stop()
    judge_counts(server, backend, runs)


def deliver_again(server):
    """Sends requests until spans are delivered: only a delivery ends a loss. Batches that still wait for their next attempt may
    be lost after the backend is back."""
    runs, delivered = [], server.tally()["delivered"]
    for _ in range(10):
        runs.append(load(server.url, SECONDS))
        eventually("no span waits", lambda: server.tally()["waiting"] == 0)
        if server.tally()["delivered"] > delivered:
            break
    return runs


def compare(plain, server):
    """The 99th percentile of the service against one without exporter, in turn. Answers the runs of the service."""
    rounds = [(load(plain.url, SECONDS), load(server.url, SECONDS)) for _ in range(ROUNDS)]
    without, with_fault = (statistics.median(it.p99 for it in side) for side in zip(*rounds))
    ratio = with_fault / without
    p99 = f"p99 {with_fault:.2f} ms, {without:.2f} ms without exporter, {ratio:.2f} times, in {ROUNDS} rounds"
    claim(p99, ratio <= MOST_TIMES_P99)
    return [run for _, run in rounds]


def waits(asked, began, retry_after):
    """A batch that is given up is not waited for, so the next may come at once."""
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
    # A backend counts what it has said yes to, a moment later.
    eventually(f"{ended - lost} spans are delivered", lambda: len(backend.spans) >= ended - lost)
    delivered = len(backend.spans)
    claim(f"delivered + lost = ended: {delivered} + {lost} = {ended}", delivered + lost == ended, server.said())
    told = tally["delivered"] == delivered and tally["failed"] + tally["dropped"] == lost
    claim(f"its metrics tell the same: {tally}", told)
    # wrk hangs up on those under way at the end of a run.
    least, most = (it * server.SPANS_PER_REQUEST for it in (answered, answered + CONNECTIONS * len(runs)))
    claim(f"which is what {answered} requests must end", least <= ended <= most, (least, ended, most))
    claim("no span is delivered twice", len(set(backend.spans)) == delivered)
    claim("who has lost spans does not exit with 0", code == 1, code)
    for line in [DOWN, UP]:
        claim(f"one line says: {line}", len(server.lines(line)) == 1, server.lines(line))
