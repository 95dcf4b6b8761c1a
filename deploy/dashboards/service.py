"""The first dashboard: what the selected services do, and where to look further."""

from grafana import dashboard, graph, heatmap, query, stat, table
from names import ACTIVE, BUSY, DURATION, ERROR, EXPORTED, METHOD, PROCESSED, RESIDENT, ROUTE
from names import WORKERS
from promql import INSTANCES, METHODS, REQUESTS, failed_requests, failed_share, quantile
from promql import rate, requests, total, where
from selection import OF_SERVICE, REQUEST_VARIABLES, RUNTIME_UID, SERVICE_UID
from selection import TELEMETRY_UID, duration_quantiles, of_row, route_links, service_links
from selection import statuses

KEY = {ROUTE: "Route", METHOD: "Method", "job": "Service"}
# The routes with the most requests. A table of all would have up to 4,096 lines.
BUSIEST = f"topk(50, {requests(*KEY)})"
ANY_ERROR = f'{ERROR}!=""'
BUDGET = "job:http_server_error_budget:ratio"
FIRING = 'sum(ALERTS{alertstate="firing",job=~"$service"}) or vector(0)'


def of_busiest(expression):
    return f"({expression}) and on ({', '.join(KEY)}) {BUSIEST}"


def burn(window):
    ratio = f"job:http_server_errors:ratio_rate{window}{OF_SERVICE}"
    return query(f"{ratio} / on (job) {BUDGET}{OF_SERVICE}", f"{{{{job}}}}, {window}")


def lost_spans(*by):
    """Spans that were refused, could not be delivered, or found a full queue."""
    exports = total(rate(EXPORTED, INSTANCES, ANY_ERROR), *by)
    queues = total(rate(PROCESSED, INSTANCES, f'{ERROR}="queue_full"'), *by)
    return f"{exports} + {queues}"


def apdex():
    bounds = ['le="0.25"', 'le=~"1|1.0"']
    fast, tolerable = (total(rate(f"{DURATION}_bucket", REQUESTS, le)) for le in bounds)
    return f"({fast} + {tolerable}) / 2 / ({requests()} > 0)"


NOW = [
    stat("Requests", "Requests that have ended.", "reqps", requests()),
    stat(
        "Failed requests",
        "Share of the requests with an error type: a status of 500 or above, a panic or an error."
        " Cancelled requests are not counted, as in the alerts.",
        "percentunit",
        failed_share(),
        steps=[0.001, 0.01],
    ),
    stat(
        "Duration, p95",
        "95 % of the requests take less.",
        "s",
        quantile(0.95, DURATION, REQUESTS),
    ),
    stat(
        "Apdex of 250 ms",
        "1 if every request ends within 250 ms. A request that takes up to 1 s counts half.",
        "percentunit",
        apdex(),
    ),
    stat(
        "Active requests",
        "Requests that have started and not ended. They have no route yet, so the variable does"
        " not apply.",
        "short",
        total(f"{ACTIVE}{where(METHODS)}"),
    ),
    stat(
        "Firing alerts",
        "Alerts of the selected services that fire. Requires `prometheus/alerts.yml`.",
        "short",
        FIRING,
        steps=[1],
    ),
]

OVER_TIME = [
    graph(
        "Request rate",
        "Requests that have ended, for each service.",
        "reqps",
        query(requests("job"), "{{job}}"),
        links=service_links(),
    ),
    graph(
        "Failed requests over time",
        "Share of the requests with an error type, for each service. Cancelled requests are not"
        " counted.",
        "percentunit",
        query(failed_share("job"), "{{job}}"),
        links=service_links(),
    ),
    graph(
        "Duration",
        "Quantiles of all selected requests, interpolated within the buckets of the conventions."
        " The points are exemplars: requests that have a trace.",
        "s",
        *duration_quantiles(DURATION, REQUESTS),
    ),
    heatmap(
        "Durations",
        "Requests in each bucket of the duration. The points are exemplars: requests that have a"
        " trace.",
        "s",
        total(rate(f"{DURATION}_bucket", REQUESTS), "le"),
    ),
    graph(
        "Status codes",
        "Requests by the status of the response. `none` is a request without response: its service"
        " has failed, or it was cancelled.",
        "reqps",
        *statuses(DURATION, REQUESTS),
        stacked=True,
    ),
    graph(
        "Errors and cancelled requests",
        "Requests that have an error type, by this type. The values `cancelled_before_head` and"
        " `cancelled_mid_body` are requests whose caller has left, or whose time limit is over.",
        "reqps",
        query(failed_requests("job", ERROR, failed=ANY_ERROR), f"{{{{job}}}}: {{{{{ERROR}}}}}"),
        stacked=True,
        links=service_links(),
    ),
]

ROUTES = [
    table(
        "Busiest routes",
        "The 50 routes with the most requests. A route opens its dashboard and its traces.",
        KEY,
        [
            ("Requests", "reqps", BUSIEST),
            ("Failed", "percentunit", of_busiest(failed_share(*KEY))),
            ("p50", "s", of_busiest(quantile(0.5, DURATION, REQUESTS, *KEY))),
            ("p99", "s", of_busiest(quantile(0.99, DURATION, REQUESTS, *KEY))),
        ],
        links=route_links(of_row),
    )
]

ERROR_BUDGET = [
    graph(
        "Use of the error budget",
        "Error ratio divided by the budget, over three windows. At 1 the budget of 30 days lasts"
        " for 30 days. Requires `prometheus/recording.yml` and `prometheus/error_budget.yml`.",
        "short",
        *map(burn, ["1h", "6h", "3d"]),
        links=service_links(),
    ),
    graph(
        "Active requests over time",
        "Requests that have started and not ended, for each service.",
        "short",
        query(total(f"{ACTIVE}{where(METHODS)}", "job"), "{{job}}"),
        links=service_links(),
    ),
]

PROCESSES = [
    graph(
        "Workers of tokio",
        "Share of the time that the workers of each instance are busy. Near 1, requests wait.",
        "percentunit",
        query(
            f"{total(rate(BUSY, INSTANCES), 'job', 'instance')}"
            f" / {total(f'{WORKERS}{where(INSTANCES)}', 'job', 'instance')}",
            "{{job}} {{instance}}",
        ),
        width=8,
        most=1,
        links=service_links(RUNTIME_UID, "Runtime and process"),
    ),
    graph(
        "Memory",
        "Resident memory of each service.",
        "bytes",
        query(total(f"{RESIDENT}{where(INSTANCES)}", "job"), "{{job}}"),
        width=8,
        links=service_links(RUNTIME_UID, "Runtime and process"),
    ),
    graph(
        "Lost spans",
        "Spans that were refused, could not be delivered, or found a full queue.",
        "cps",
        query(lost_spans("job"), "{{job}}"),
        width=8,
        links=service_links(TELEMETRY_UID, "Telemetry health"),
    ),
]


def made():
    return dashboard(
        SERVICE_UID,
        "Service overview",
        "Rate, errors and duration of the selected services.",
        REQUEST_VARIABLES,
        {
            "Now": NOW,
            "Requests": OVER_TIME,
            "Routes": ROUTES,
            "Error budget and load": ERROR_BUDGET,
            "Processes and telemetry": PROCESSES,
        },
    )
