"""Sends requests through chains of services, and compares what each service has received and
exported with what it should have."""

import collections
import dataclasses
import itertools
import json
import secrets
import urllib.error
import urllib.parse
import urllib.request

import deviations
import formats
from processes import eventually, fail
from sink import CLIENT, SERVER

# Every reserved character of RFC 3986, every other one that a header of baggage cannot contain
# unencoded, and two beyond ASCII. The runner sends all of them percent-encoded.
CHARACTERS = ":/?#[]@!$&'()*+,;= \"\\%<>^`{|}~" + deviations.BEYOND_ASCII
BAGGAGE = {f"k{at:02}": f"a{it}b" for at, it in enumerate(CHARACTERS)}
TRACESTATE = "vendor=1,tenant@system=a:b/c"
PATIENCE = 60


@dataclasses.dataclass
class Chain:
    """Services that call each other. `of`: their formats."""

    of: str
    names: list
    sampled: bool = True
    # Whether the runner sends a trace context. Otherwise the first service starts the trace.
    continues: bool = True
    schemes: dict = dataclasses.field(default_factory=dict)
    trace_id: str = ""
    # The `tracestate` that the runner sends, and the one that services receive.
    tracestate: str = TRACESTATE
    expected: str = ""

    def __post_init__(self):
        if self.continues:
            self.expected = self.expected or self.tracestate

    def __str__(self):
        kind = "sampled" if self.sampled else "unsampled"
        return f"{self.of}: {' → '.join(self.names)}, {kind if self.continues else 'new'}"

    def scheme(self, at):
        """The scheme of the URL of a service by its place."""
        return self.schemes.get(at, "http")

    def baggage(self):
        """The baggage that the runner sends."""
        calls = [(it, formats.between(self.of, it, to)) for it, to in itertools.pairwise(self.names)]
        refused = [it for call in calls for it in deviations.baggage_refused(*call)]
        return {key: it for key, it in BAGGAGE.items() if not set(it) & set(refused)}


class Wrong(Exception):
    """A property that a chain does not have."""


def require(holds, what, detail=""):
    if not holds:
        raise Wrong(f"{what}: {detail}")


def judge(chain, services, sink):
    """Sends a request through the chain, and fails if a property does not hold."""
    try:
        hops, span_id = send(chain, services)
        callers = judge_headers(chain, hops, span_id)
        if chain.sampled:
            judge_spans(chain, callers, sink)
    except Wrong as wrong:
        fail(str(chain), wrong)


def send(chain, services):
    """Sends a request to the first service. Returns what each service has received."""
    first, *rest = [services.url(name, chain.scheme(at)) for at, name in enumerate(chain.names)]
    chain.trace_id, span_id = secrets.token_hex(16), secrets.token_hex(8)
    headers = {"x-chain": " ".join(rest)}
    if chain.continues:
        of = formats.between(chain.of, None, chain.names[0])
        headers |= formats.headers(of, chain.trace_id, span_id, chain.sampled)
        if of == formats.W3C:
            headers["tracestate"] = chain.tracestate
        members = [f"{key}={urllib.parse.quote(it, safe='')}" for key, it in chain.baggage().items()]
        headers["baggage"] = ",".join(members)
    request = urllib.request.Request(first, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            hops = json.load(response)
    except urllib.error.HTTPError as error:
        raise Wrong(f"the response is {error.code}: {error.read()[:500]}") from error
    except OSError as error:
        raise Wrong(f"no response: {error}") from error
    found = [hop["service"] for hop in hops]
    require(found == chain.names, "the services differ", found)
    return hops, span_id


def judge_headers(chain, hops, span_id):
    """Compares the headers that services have received. Returns the span IDs of the callers."""
    callers = [span_id] if chain.continues else [None]
    for at, hop in enumerate(hops):
        sender = chain.names[at - 1] if at else None
        if at or chain.continues:
            of = formats.between(chain.of, sender, hop["service"])
            context = formats.read(of, hop["headers"])
            require(context, f"{hop['service']} receives a context in the format {of}", hop["headers"])
            if at == 1 and not chain.continues:
                chain.trace_id = context.trace_id
            require(context.trace_id == chain.trace_id, f"{hop['service']} receives another trace", context)
            require(context.sampled == chain.sampled, f"{hop['service']} receives another decision", context)
            if at:
                require(context.span_id not in callers, "two spans have one ID", context)
                callers.append(context.span_id)
            else:
                require(context.span_id == span_id, "the runner is not the caller", context)
        if chain.continues:
            judge_baggage(chain, hop, hops[:at])
        # In mixed chains only some services have the format.
        if chain.of == formats.W3C and (at or chain.continues):
            state = tracestate(hop)
            require(state == chain.expected, f"{hop['service']} receives another tracestate", state)
    return callers


def judge_baggage(chain, hop, before):
    expected = chain.baggage()
    services = [None, *(it["service"] for it in before), hop["service"]]
    for sender, receiver in itertools.pairwise(services):
        of = formats.between(chain.of, sender, receiver)
        expected = {
            key: deviations.baggage_read(of, sender, receiver, it) for key, it in expected.items()
        }
    found = hop["baggage"]
    different = {key: (it, found.get(key)) for key, it in expected.items() if found.get(key) != it}
    require(not different and len(found) == len(expected), f"{hop['service']} reads other baggage", different)


def tracestate(hop):
    lines = [value for name, value in hop["headers"] if name == "tracestate"]
    return ",".join(member.strip() for member in ",".join(lines).split(","))


def judge_spans(chain, callers, sink):
    """Compares the exported spans: one server span for each service, and one client span for each
    call, connected hop by hop."""
    count = 2 * len(chain.names) - 1

    def exported():
        spans = [it for it in sink.trace(chain.trace_id) if it.kind in (SERVER, CLIENT)]
        return spans if len(spans) >= count else None

    spans = eventually(f"{chain} has {count} spans", exported, PATIENCE)
    by_id = {span.span_id: span for span in sink.trace(chain.trace_id)}
    servers = {span.parent_id: span for span in spans if span.kind == SERVER}
    require(len(spans) == count, "the number of spans", spans)
    require(len(by_id) == len(sink.trace(chain.trace_id)), "a span is exported twice")
    for at, (name, caller) in enumerate(zip(chain.names, callers)):
        server = servers.get(caller or "")
        require(server and server.service == name, f"the server span of {name} is not the child of its caller", servers)
        if at + 1 < len(chain.names):
            client = by_id.get(callers[at + 1])
            require(client and client.kind == CLIENT, f"the call of {name} is no client span", client)
            require(client.service == name, "the client span is that of another service", client)
            require(server in ancestors(client, by_id), f"the call of {name} is not below its server span", client)
        for span in [it for it in spans if it.service == name]:
            # The lowest eight bits are the flags of the trace.
            flagged = deviations.exports_flags(name)
            require(span.flags & 1 == flagged, f"the sampled flag of a span of {name} is not {flagged}", span)
            if chain.of == formats.W3C:
                require(span.trace_state == chain.expected, f"{name} exports another tracestate", span)


def ancestors(span, by_id):
    """Spans of the same service above a span."""
    found = []
    while (parent := by_id.get(span.parent_id)) and parent.service == span.service:
        found.append(parent)
        span = parent
    return found


def around(foreign):
    """Chains with foreign services first and last, and with ours first and last."""
    ring = collections.deque(foreign)
    ring.rotate(-1)
    for theirs, others in zip(foreign, ring):
        for ours in formats.OURS:
            yield [theirs, ours, others]
            yield [ours, theirs, ours]


def all_chains(of, foreign):
    for names, sampled in itertools.product(around(foreign), [True, False]):
        yield Chain(of, list(names), sampled)
    # Every second service is ours.
    through = [[theirs, ours] for theirs, ours in zip(foreign, itertools.cycle(formats.OURS))]
    everything = list(itertools.chain.from_iterable(through))
    yield Chain(of, everything, continues=False)
    yield Chain(of, everything[1:], continues=False)
    if of != formats.MIX:
        # Foreign services call each other as well.
        yield Chain(of, ["axum", *foreign, "actix"])
