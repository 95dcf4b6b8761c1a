"""Calls that the selected services make to others."""

from grafana import dashboard, graph, heatmap, query, stat, table, to_dashboard, to_traces
from names import ADDRESS, CALL_DURATION, ERROR, METHOD, PORT, STATUS
from promql import INSTANCES, failed_requests, failed_share, quantile, rate, requests, total
from selection import CALL_VARIABLES, CLIENTS_UID, SERVICE_UID, duration_quantiles, of_row
from selection import service_links, statuses

CALLS = f'{INSTANCES},{METHOD}=~"$method",{ADDRESS}=~"$server"'
ANY_ERROR = f'{ERROR}!=""'
OF = {"matchers": CALLS, "histogram": CALL_DURATION}
OF_FAILED = OF | {"failed": ANY_ERROR}
KEY = {ADDRESS: "Server", PORT: "Port", "job": "Caller"}
NAME = f"{{{{job}}}} → {{{{{ADDRESS}}}}}:{{{{{PORT}}}}}"
LINKS = service_links(SERVICE_UID, "Service overview")
ROW_LINKS = [
    to_dashboard(
        "Calls to this server", CLIENTS_UID, service=of_row("job"), server=of_row(ADDRESS)
    ),
    to_traces("Traces", of_row("job"), condition=f' && span.server.address="{of_row(ADDRESS)}"'),
]


NOW = [
    stat("Calls", "Calls that have ended.", "reqps", requests(**OF)),
    stat(
        "Failed calls",
        "Share of the calls with an error type: a status of 400 or above, or no response.",
        "percentunit",
        failed_share(**OF_FAILED),
        steps=[0.01, 0.05],
    ),
    stat(
        "Calls without response",
        "Share of the calls that have an error type and no status, such as a refused connection.",
        "percentunit",
        failed_share(**OF | {"failed": f'{ANY_ERROR},{STATUS}=""'}),
        steps=[0.001, 0.01],
    ),
    *(
        stat(
            f"Duration, p{q * 100:.0f}",
            f"{q * 100:.0f} % of the calls take less.",
            "s",
            quantile(q, CALL_DURATION, CALLS),
        )
        for q in [0.5, 0.95, 0.99]
    ),
]

SERVERS = [
    table(
        "Servers",
        "Servers that the selected services call. A server selects itself, or opens the traces.",
        KEY,
        [
            ("Calls", "reqps", requests(*KEY, **OF)),
            ("Failed", "percentunit", failed_share(*KEY, **OF_FAILED)),
            ("p50", "s", quantile(0.5, CALL_DURATION, CALLS, *KEY)),
            ("p99", "s", quantile(0.99, CALL_DURATION, CALLS, *KEY)),
        ],
        links=ROW_LINKS,
    )
]

CALLS_OVER_TIME = [
    graph(
        "Call rate",
        "Calls that have ended, for each caller and server.",
        "reqps",
        query(requests(*KEY, **OF), NAME),
        links=LINKS,
    ),
    graph(
        "Failed calls over time",
        "Share of the calls with an error type, for each caller and server.",
        "percentunit",
        query(failed_share(*KEY, **OF_FAILED), NAME),
        links=LINKS,
    ),
    graph(
        "Errors",
        "Calls that have an error type, by this type: the status, or the reason of a call without"
        " response.",
        "reqps",
        query(failed_requests(*KEY, ERROR, **OF_FAILED), f"{NAME}: {{{{{ERROR}}}}}"),
        stacked=True,
        links=LINKS,
    ),
    graph(
        "Status codes",
        "Calls by the status of the response. `none` is a call without response.",
        "reqps",
        *statuses(CALL_DURATION, CALLS),
        stacked=True,
    ),
    graph(
        "Duration",
        "Quantiles of all selected calls. The points are exemplars: calls that have a trace.",
        "s",
        *duration_quantiles(CALL_DURATION, CALLS),
    ),
    heatmap(
        "Durations",
        "Calls in each bucket of the duration. The points are exemplars: calls that have a trace.",
        "s",
        total(rate(f"{CALL_DURATION}_bucket", CALLS), "le"),
    ),
    graph(
        "Duration of each server, p95",
        "95 % of the calls to the server take less.",
        "s",
        query(quantile(0.95, CALL_DURATION, CALLS, *KEY), NAME, exemplars=True),
        width=24,
        links=LINKS,
    ),
]


def made():
    return dashboard(
        CLIENTS_UID,
        "Clients",
        "Calls of the selected services to others, as the callers see them.",
        CALL_VARIABLES,
        {"Now": NOW, "Servers": SERVERS, "Calls": CALLS_OVER_TIME},
    )
