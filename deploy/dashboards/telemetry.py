"""Whether spans and metrics of the services arrive."""

from grafana import dashboard, graph, query, stat
from names import CALLBACK, COMPONENT, DURATION, ERROR, EXPORTED, HELD, LOGS_EXPORTED
from names import LOGS_PROCESSED, LOGS_QUEUE_CAPACITY, LOGS_QUEUE_SIZE, OUTCOME, PANICS, PROCESSED
from names import QUEUE_CAPACITY, QUEUE_SIZE, SKIPPED, TARGET
from promql import INSTANCES, increase, or_zero, rate, total, where
from selection import INSTANCE_VARIABLES, SERVICE_UID, TELEMETRY_UID, service_links

KEY = ("job", "instance", COMPONENT)
NAME = f"{{{{job}}}} {{{{instance}}}} {{{{{COMPONENT}}}}}"
INSTANCE = ("job", "instance")
INSTANCE_NAME = "{{job}} {{instance}}"
LINKS = service_links(SERVICE_UID, "Service overview")
NO_ERROR = f'{ERROR}=""'
ANY_ERROR = f'{ERROR}!=""'
QUEUE_FULL = f'{ERROR}="queue_full"'


def now(metric):
    return f"{metric}{where(INSTANCES)}"


def line(title, description, unit, *queries, **more):
    return graph(title, description, unit, *queries, links=LINKS, **more)


def if_any(expression):
    """The expression, and a zero for each instance that does not have its metrics."""
    return or_zero(expression, total(now(TARGET), *INSTANCE))


NOW = [
    stat(
        "Exported spans",
        "Spans that a backend has accepted.",
        "cps",
        total(rate(EXPORTED, INSTANCES, NO_ERROR)),
    ),
    stat(
        "Spans lost in export",
        "Spans that were refused or could not be delivered.",
        "cps",
        total(rate(EXPORTED, INSTANCES, ANY_ERROR)),
        steps=[1e-9],
    ),
    stat(
        "Spans without a place",
        "Spans that found a full queue.",
        "cps",
        total(rate(PROCESSED, INSTANCES, QUEUE_FULL)),
        steps=[1e-9],
    ),
    stat(
        "Fullest queue",
        "Share of its places that are in use, those of spans in export included.",
        "percentunit",
        f"max({now(QUEUE_SIZE)} / {now(QUEUE_CAPACITY)})",
        steps=[0.5, 0.8],
    ),
    stat(
        "Metrics left out",
        "Metrics and samples that the last scrapes have left out, since the start.",
        "short",
        f"sum({now(SKIPPED)})",
        steps=[1],
    ),
    stat(
        "Instances that cannot be scraped",
        "Instances of the selected services that did not respond to the last scrape.",
        "short",
        f"sum(up{where(INSTANCES)} == bool 0)",
        steps=[1],
    ),
]

SPANS = [
    line(
        "Spans exported",
        "Spans that a backend has accepted, for each exporter.",
        "cps",
        query(total(rate(EXPORTED, INSTANCES, NO_ERROR), *KEY), NAME),
    ),
    line(
        "Spans lost",
        "Spans that were refused (`rejected`), could not be delivered (`failed`) or found a full"
        " queue (`queue_full`). The log of the service has the reason.",
        "cps",
        query(total(rate(EXPORTED, INSTANCES, ANY_ERROR), *KEY, ERROR), f"{NAME}: {{{{{ERROR}}}}}"),
        query(total(rate(PROCESSED, INSTANCES, QUEUE_FULL), *KEY), f"{NAME}: queue_full"),
    ),
    line(
        "Use of the queues",
        "Share of the places of each queue. At 1, spans are lost.",
        "percentunit",
        query(f"{now(QUEUE_SIZE)} / {now(QUEUE_CAPACITY)}", NAME),
        most=1,
    ),
    line(
        "Spans in the queues",
        "Spans that wait for export or are being exported, and the places for them.",
        "short",
        query(now(QUEUE_SIZE), NAME),
        query(now(QUEUE_CAPACITY), f"{NAME}: places"),
    ),
    line(
        "Spans of a request",
        "Exported spans for each request of a server, also those of clients and of users. Zero"
        " means that no trace arrives; a value below 1, that not all requests are sampled.",
        "short",
        query(
            f"{total(rate(EXPORTED, INSTANCES, NO_ERROR), *INSTANCE)}"
            f" / ({total(rate(f'{DURATION}_count', INSTANCES), *INSTANCE)} > 0)",
            INSTANCE_NAME,
        ),
    ),
    line(
        "Panics that were contained",
        "Panics in callbacks of users: filters, `before_export`, exporters, writers of log lines.",
        "short",
        query(
            if_any(total(increase(PANICS, INSTANCES), *INSTANCE, CALLBACK)),
            f"{INSTANCE_NAME} {{{{{CALLBACK}}}}}",
        ),
    ),
]

LOGS_QUEUE_USE = f"{total(now(LOGS_QUEUE_SIZE), *KEY)} / {total(now(LOGS_QUEUE_CAPACITY), *KEY)}"
LOG_RECORDS = [
    line(
        "Log records exported",
        "Log records that a backend has accepted, for each exporter. Zero without an exporter.",
        "cps",
        query(if_any(total(rate(LOGS_EXPORTED, INSTANCES, NO_ERROR), *KEY)), NAME),
    ),
    line(
        "Log records lost",
        "Log records that were refused (`rejected`), could not be delivered (`failed`) or found a"
        " full queue (`queue_full`).",
        "cps",
        query(
            if_any(total(rate(LOGS_EXPORTED, INSTANCES, ANY_ERROR), *KEY, ERROR)),
            f"{NAME}: {{{{{ERROR}}}}}",
        ),
        query(
            if_any(total(rate(LOGS_PROCESSED, INSTANCES, QUEUE_FULL), *KEY)),
            f"{NAME}: queue_full",
        ),
    ),
    line(
        "Use of the queues of log records",
        "Share of the places of each queue. At 1, log records are lost.",
        "percentunit",
        query(if_any(LOGS_QUEUE_USE), NAME),
        most=1,
    ),
    line(
        "Spans that waited for a decision",
        "Spans that waited for the end of their request, by what became of them. Zero unless the"
        " service keeps failed and slow traces.",
        "cps",
        query(
            if_any(total(rate(HELD, INSTANCES), *INSTANCE, OUTCOME)),
            f"{INSTANCE_NAME} {{{{{OUTCOME}}}}}",
        ),
    ),
]

SCRAPES = [
    line(
        "Duration of scrapes",
        "Prometheus gives up after its `scrape_timeout`.",
        "s",
        query(now("scrape_duration_seconds"), INSTANCE_NAME),
        width=8,
    ),
    line(
        "Samples of a scrape",
        "Constant growth is a label with values that callers choose.",
        "short",
        query(now("scrape_samples_scraped"), INSTANCE_NAME),
        width=8,
    ),
    line(
        "Metrics left out of scrapes",
        "Metrics that clash with another of their name, malformed samples, and panics of"
        " callbacks. The log of the service names them.",
        "short",
        query(increase(SKIPPED, INSTANCES), INSTANCE_NAME),
        width=8,
    ),
]


def made():
    return dashboard(
        TELEMETRY_UID,
        "Telemetry health",
        "Whether spans and metrics of the selected services arrive.",
        INSTANCE_VARIABLES,
        {"Now": NOW, "Spans": SPANS, "Log records and decisions": LOG_RECORDS, "Scrapes": SCRAPES},
    )
