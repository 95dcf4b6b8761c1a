"""The requests of single routes."""

from grafana import dashboard, graph, heatmap, query, stat
from names import DURATION, ERROR, METHOD, REQUEST_SIZE, RESPONSE_SIZE, ROUTE
from promql import REQUESTS, average, failed_requests, failed_share, quantile, rate, requests, total
from selection import REQUEST_VARIABLES, ROUTE_UID, duration_quantiles, of_series, route_links
from selection import service_links, statuses

KEY = ("job", METHOD, ROUTE)
NAME = f"{{{{job}}}}: {{{{{METHOD}}}}} {{{{{ROUTE}}}}}"
LINKS = route_links(of_series)


NOW = [
    stat("Requests", "Requests that have ended.", "reqps", requests()),
    stat(
        "Failed requests",
        "Share of the requests with an error type. Cancelled requests are not counted.",
        "percentunit",
        failed_share(),
        steps=[0.001, 0.01],
    ),
    stat(
        "Cancelled requests",
        "Share of the requests whose caller has left, or whose time limit is over.",
        "percentunit",
        failed_share(failed=f'{ERROR}=~"cancelled_.*"'),
    ),
    *(
        stat(
            f"Duration, p{q * 100:.0f}",
            f"{q * 100:.0f} % of the requests take less.",
            "s",
            quantile(q, DURATION, REQUESTS),
        )
        for q in [0.5, 0.95, 0.99]
    ),
]

RATES = [
    graph(
        "Request rate",
        "Requests that have ended, for each route.",
        "reqps",
        query(requests(*KEY), NAME),
        links=LINKS,
    ),
    graph(
        "Failed requests over time",
        "Share of the requests with an error type, for each route. Cancelled requests are not"
        " counted.",
        "percentunit",
        query(failed_share(*KEY), NAME),
        links=LINKS,
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
        "Requests that have an error type, by this type, for each route.",
        "reqps",
        query(failed_requests(*KEY, ERROR, failed=f'{ERROR}!=""'), f"{NAME}: {{{{{ERROR}}}}}"),
        stacked=True,
        links=LINKS,
    ),
]

DURATIONS = [
    graph(
        "Duration",
        "Quantiles of all selected requests. The points are exemplars: requests that have a trace.",
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
        "Duration of each route, p95",
        "95 % of the requests of the route take less.",
        "s",
        query(quantile(0.95, DURATION, REQUESTS, *KEY), NAME, exemplars=True),
        links=LINKS,
    ),
    graph(
        "Duration of each instance, p95",
        "An instance that is slower than the others has a cause of its own.",
        "s",
        query(quantile(0.95, DURATION, REQUESTS, "job", "instance"), "{{job}} {{instance}}"),
        links=service_links(),
    ),
]

BODIES = [
    graph(
        "Size of requests",
        "Average of the bodies, for each route. Requires the option `body_sizes`.",
        "bytes",
        query(average(REQUEST_SIZE, REQUESTS, *KEY), NAME),
        links=LINKS,
    ),
    graph(
        "Size of responses",
        "Average of the bodies, for each route. Requires the option `body_sizes`.",
        "bytes",
        query(average(RESPONSE_SIZE, REQUESTS, *KEY), NAME),
        links=LINKS,
    ),
]


def made():
    return dashboard(
        ROUTE_UID,
        "Routes",
        "Requests of the selected routes. The calls that a route makes are in its traces: metrics"
        " of clients have no route.",
        REQUEST_VARIABLES,
        {"Now": NOW, "Requests": RATES, "Durations": DURATIONS, "Bodies": BODIES},
    )
