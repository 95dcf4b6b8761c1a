"""The shop exports over each of five paths, selected by environment variables alone, and Jaeger has complete traces.

Its log lines reach a collector over each protocol of OTLP.
"""

import re

from collector import GRPC, HTTP, Collector
from jaeger import Jaeger
from processes import claim, eventually, fail
from services import LOSS, shop

DOOR = ("gateway", "GET /checkout/{item}")
STOCK = ("inventory", "GET /stock/{item}")
PRICES = ("pricing", "GET /prices/{item}")
CHAIN = {
    DOOR: None,
    ("gateway", "GET"): DOOR,
    STOCK: ("gateway", "GET"),
    ("inventory", "count"): STOCK,
    ("inventory", "GET"): STOCK,
    PRICES: ("inventory", "GET"),
}
# Spans that each visit of the shop adds to the chain.
VISITS = {
    "an order": [("pricing", "haggle")],
    "a slow one": [("pricing", "haggle")],
    "one that fails": [],
    "one the client cancels": [("pricing", "haggle")],
    "one that is streamed": [("pricing", "bid")] * 3,
}
SPANS = sum(len(CHAIN) + len(more) for more in VISITS.values())
METHOD = ("string", "GET")
TAGS = {
    DOOR: {
        "span.kind": ("string", "server"),
        "http.request.method": METHOD,
        "http.route": ("string", "/checkout/{item}"),
        "url.path": ("string", "/checkout/tea"),
        "url.scheme": ("string", "http"),
        "http.response.status_code": ("int64", 200),
        "shop.item": ("string", "tea"),
    },
    ("gateway", "GET"): {
        "span.kind": ("string", "client"),
        "http.request.method": METHOD,
        "server.address": ("string", "127.0.0.1"),
        "http.response.status_code": ("int64", 200),
    },
    STOCK: {
        "span.kind": ("string", "server"),
        "http.route": ("string", "/stock/{item}"),
        "http.response.status_code": ("int64", 200),
    },
    PRICES: {
        "span.kind": ("string", "server"),
        "http.route": ("string", "/prices/{item}"),
        "http.response.status_code": ("int64", 200),
    },
    ("inventory", "count"): {"shop.item": ("string", "tea")},
}
FAILED = {"error": ("bool", True), "otel.status_code": ("string", "ERROR")}


def ways(jaeger):
    """Returns the environment variables of each path."""
    otlp = {"OTEL_TRACES_EXPORTER": "otlp"}
    grpc, http = f"http://127.0.0.1:{jaeger.otlp_grpc}", f"http://127.0.0.1:{jaeger.otlp_http}"
    return {
        "OTLP by gRPC": otlp | {"OTEL_EXPORTER_OTLP_ENDPOINT": grpc, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
        "OTLP by HTTP, protobuf": otlp
        | {"OTEL_EXPORTER_OTLP_ENDPOINT": http, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"},
        "OTLP by HTTP, JSON": otlp
        | {"OTEL_EXPORTER_OTLP_ENDPOINT": http, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"},
        "Jaeger by UDP": {
            "OTEL_TRACES_EXPORTER": "jaeger",
            "OTEL_EXPORTER_JAEGER_AGENT_HOST": "127.0.0.1",
            "OTEL_EXPORTER_JAEGER_AGENT_PORT": str(jaeger.udp),
        },
        "Jaeger by HTTP": {
            "OTEL_TRACES_EXPORTER": "jaeger",
            "OTEL_EXPORTER_JAEGER_ENDPOINT": f"http://127.0.0.1:{jaeger.http}/api/traces",
        },
    }


def judge():
    jaeger = Jaeger()
    for way, environment in ways(jaeger).items():
        print(f"the shop exports {way}", flush=True)
        arrives(jaeger, environment)
    jaeger.stop()
    for way, environment in ways(jaeger).items():
        print(f"the shop exports {way}, and nobody is there", flush=True)
        is_said_to_be_lost(environment)
    collector = Collector({"open": None})
    for protocol in ["grpc", "http/protobuf", "http/json"]:
        print(f"the shop exports its log lines to a collector, {protocol}", flush=True)
        lines_arrive(collector, protocol)
        collector.forget()
    collector.stop()


def arrives(jaeger, environment):
    process = shop(environment)
    claim("it ends well, nothing lost", process.ended() == 0)
    visited = dict(re.findall(r"^(.*): GET \S+ → .*, trace (\w{32})$", process.said(), re.MULTILINE))
    claim("it says the ids of five traces", visited.keys() == VISITS.keys(), visited)
    for visit, trace_id in visited.items():
        is_whole(jaeger, visit, trace_id)
    tea = spans_by_key(jaeger.trace(visited["an order"]))
    for key, tags in TAGS.items():
        has_tags(tea[key], tags)
    claim("tags have the right values and types", True)
    is_marked(jaeger.trace(visited["one that fails"]))


# Message of each log line of an order, with its span.
LINES = {"an order": DOOR, "counted the shelves": STOCK}
LINES_OF_A_FAILURE = LINES | {"there is no price for that": PRICES, "inventory failed": DOOR}


def lines_arrive(collector, protocol):
    """Checks that each log line of each visit arrives once, with the ids of its span."""
    kind = GRPC if protocol == "grpc" else HTTP
    variables = collector.variables("open", kind) | {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
    process = shop(variables | {"OTEL_LOGS_EXPORTER": "otlp"})
    claim("it ends well, nothing lost", process.ended() == 0, process.said())
    visited = dict(re.findall(r"^(.*): GET \S+ → .*, trace (\w{32})$", process.said(), re.MULTILINE))
    claim("it says the ids of five traces", visited.keys() == VISITS.keys(), visited)
    spans = {
        (span["traceId"], span["spanId"]): (resource["service.name"], span["name"])
        for resource, span in collector.described_spans()
    }
    for visit, trace_id in visited.items():
        of_visit = [(resource, record) for resource, record in collector.logs() if record.get("traceId") == trace_id]
        lines = sorted(
            (record["body"]["stringValue"], spans.get((trace_id, record["spanId"])), resource["service.name"])
            for resource, record in of_visit
        )
        expected = LINES_OF_A_FAILURE if visit == "one that fails" else LINES
        expected = sorted((message, span, span[0]) for message, span in expected.items())
        claim(f"{visit}: {len(expected)} log lines, each once and with the ids of its span", lines == expected, lines)


def is_said_to_be_lost(environment):
    process = shop(environment)
    claim("it does not end well", process.ended() == 1)
    losses = [tuple(map(int, loss)) for loss in LOSS.findall(process.said())]
    is_all = all(lost == ended for lost, ended in losses) and sum(lost for lost, _ in losses) == SPANS
    claim(f"three services say that they have lost all {SPANS} spans", is_all and len(losses) == 3, losses)


def is_whole(jaeger, visit, trace_id):
    expected = CHAIN | {key: PRICES for key in VISITS[visit]}
    count = len(CHAIN) + len(VISITS[visit])
    spans = eventually(f"{count} spans of {visit!r}", lambda: enough(jaeger.trace(trace_id), count))
    is_whole = len(spans) == count == len({span.id for span in spans}) and parents(spans) == expected
    claim(f"{visit}: {count} spans of three services, each once and below its parent", is_whole, spans)


def enough(spans, count):
    return spans if len(spans) >= count else None


def spans_by_key(spans):
    return {(span.service, span.name): span for span in spans}


def parents(spans):
    """Returns service and name of each span with those of its parent, or `None` if the parent is not in the trace."""
    by_id = {span.id: (span.service, span.name) for span in spans}
    return {(span.service, span.name): by_id.get(span.parents[0]) for span in spans}


def has_tags(span, tags):
    for key, expected in tags.items():
        if span.tags.get(key) != expected:
            fail(f"{span.service}: {span.name} has {key} {expected}", f"{span.tags.get(key)} in {span}")


def is_marked(spans):
    """Checks the visit that fails: pricing has no price, so its span and all its ancestors fail."""
    for (service, name), span in spans_by_key(spans).items():
        if name != "count":
            has_tags(span, FAILED)
    price = spans_by_key(spans)[PRICES]
    has_tags(price, {"http.response.status_code": ("int64", 500), "span.kind": ("string", "server")})
    exceptions = [log.get("exception.message") for log in price.logs]
    claim("the visit that fails is marked, with its exception", exceptions == ["there is no price for durian"], price)
