"""Formats of a trace context in headers, and which service uses which of them."""

import dataclasses
import re

W3C, B3, B3_MULTI, JAEGER = "tracecontext", "b3", "b3multi", "jaeger"
OURS = ("axum", "actix")

# The format of each foreign service in chains of mixed formats. Our services have all formats, so
# they connect services that do not understand each other.
MIXED = {
    "net_http": B3,
    "gin": JAEGER,
    "echo": B3_MULTI,
    "flask": W3C,
    "fastapi": JAEGER,
    "express": B3,
    "java": B3_MULTI,
}
MIX = "mixed"
ALL = (W3C, B3, B3_MULTI, JAEGER, MIX)


@dataclasses.dataclass
class Received:
    """A context in the headers of a request."""

    trace_id: str
    span_id: str
    sampled: bool


def propagators(of, service):
    """The value of `OTEL_PROPAGATORS` for a service."""
    if of != MIX:
        return f"{of},baggage"
    if service in OURS:
        return f"{W3C},{B3},{B3_MULTI},{JAEGER},baggage"
    return f"{MIXED[service]},baggage"


def between(of, sender, receiver):
    """The format that both services have. `sender` is `None` for the first request."""
    if of != MIX:
        return of
    foreign = [it for it in (receiver, sender) if it in MIXED]
    return MIXED[foreign[0]] if foreign else W3C


def headers(of, trace_id, span_id, sampled):
    digit = "1" if sampled else "0"
    if of == W3C:
        return {"traceparent": f"00-{trace_id}-{span_id}-0{digit}"}
    if of == B3:
        return {"b3": f"{trace_id}-{span_id}-{digit}"}
    if of == JAEGER:
        return {"uber-trace-id": f"{trace_id}:{span_id}:0:{digit}"}
    return {"x-b3-traceid": trace_id, "x-b3-spanid": span_id, "x-b3-sampled": digit}


def read(of, headers):
    """Returns the context in the headers, or `None` if there is none in this format."""
    found = dict(headers)
    ids = r"([0-9a-f]{32})-([0-9a-f]{16})"
    if of == W3C:
        match = re.fullmatch(rf"00-{ids}-0([0-3])", found.get("traceparent", ""))
        return match and Received(match[1], match[2], int(match[3]) & 1 == 1)
    if of == B3:
        match = re.fullmatch(rf"{ids}-([01d])", found.get("b3", ""))
        return match and Received(match[1], match[2], match[3] != "0")
    if of == JAEGER:
        # A trace ID has no leading zeros in some services.
        match = re.fullmatch(
            "([0-9a-f]{1,32})(?::|%3A)([0-9a-f]{1,16})(?::|%3A)[0-9a-f]{1,16}(?::|%3A)([0-9a-f]{1,2})",
            found.get("uber-trace-id", ""),
        )
        return match and Received(
            match[1].rjust(32, "0"), match[2].rjust(16, "0"), int(match[3], 16) & 1 == 1
        )
    # The debug flag implies the decision, and replaces it.
    decision = "1" if found.get("x-b3-flags") == "1" else found.get("x-b3-sampled")
    if decision is None or not {"x-b3-traceid", "x-b3-spanid"} <= found.keys():
        return None
    return Received(found["x-b3-traceid"], found["x-b3-spanid"], decision == "1")
