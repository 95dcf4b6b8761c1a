"""Variables, links and queries that the dashboards share."""

from grafana import query, to_dashboard, to_traces, variable
from names import ADDRESS, CALL_DURATION, DURATION, METHOD, ROUTE, STATUS, TARGET
from promql import INSTANCES, quantile, requests, where

SERVICE_UID = "tracing-service"
ROUTE_UID = "tracing-route"
CLIENTS_UID = "tracing-clients"
RUNTIME_UID = "tracing-runtime"
TELEMETRY_UID = "tracing-telemetry"

OF_SERVICE = '{job=~"$service"}'
SERVICE = variable("service", "Service", f"label_values({TARGET}, job)", all_values=None)
INSTANCE = variable("instance", "Instance", f"label_values({TARGET}{OF_SERVICE}, instance)")
METHOD_OF = variable(
    "method", "Method", f"label_values({DURATION}_count{where(INSTANCES)}, {METHOD})"
)
ROUTE_OF = variable("route", "Route", f"label_values({DURATION}_count{where(INSTANCES)}, {ROUTE})")
CALL_METHOD = variable(
    "method", "Method", f"label_values({CALL_DURATION}_count{where(INSTANCES)}, {METHOD})"
)
SERVER = variable(
    "server", "Server", f"label_values({CALL_DURATION}_count{where(INSTANCES)}, {ADDRESS})"
)

INSTANCE_VARIABLES = [SERVICE, INSTANCE]
REQUEST_VARIABLES = [SERVICE, INSTANCE, METHOD_OF, ROUTE_OF]
CALL_VARIABLES = [SERVICE, INSTANCE, CALL_METHOD, SERVER]


def of_series(name):
    """The value of a label of the series that was clicked."""
    return f"${{__field.labels.{name}:percentencode}}"


def of_row(name):
    """The value in a column of the row that was clicked."""
    return f"${{__data.fields.{name}:percentencode}}"


def route_links(of):
    """Links of a series or a row with service, method and route. A span has the name of both."""
    service, method, route = of("job"), of(METHOD), of(ROUTE)
    name = f"{method} {route}"
    return [
        to_dashboard("Route", ROUTE_UID, service=service, method=method, route=route),
        to_traces("Traces", service, name),
    ]


def service_links(uid=None, title=None):
    service = of_series("job")
    links = [to_traces("Traces", service)]
    return [to_dashboard(title, uid, service=service), *links] if uid else links


def duration_quantiles(histogram, matchers):
    """Three quantiles. One has the exemplars, because those of each would be the same."""
    made = [(q, quantile(q, histogram, matchers)) for q in [0.5, 0.95, 0.99]]
    return [query(it, f"p{q * 100:.0f}", exemplars=q == 0.99) for q, it in made]


def statuses(histogram, matchers):
    """Rates by status, and of requests without response."""
    with_status, without = f'{matchers},{STATUS}!=""', f'{matchers},{STATUS}=""'
    by_status = requests(STATUS, histogram=histogram, matchers=with_status)
    no_status = requests(histogram=histogram, matchers=without)
    return [query(by_status, f"{{{{{STATUS}}}}}"), query(f"{no_status} or vector(0)", "none")]
