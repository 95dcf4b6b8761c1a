"""A small collector in this process. It receives spans and metrics over OTLP, HTTP/protobuf."""

import dataclasses
import gzip
import http.server
import threading

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SERVER, CLIENT = "server", "client"
KINDS = {1: "internal", 2: SERVER, 3: CLIENT, 4: "producer", 5: "consumer"}
STATUSES = {0: "unset", 1: "ok", 2: "error"}


@dataclasses.dataclass
class Span:
    service: str
    name: str
    kind: str
    status: str
    trace_id: str
    span_id: str
    parent_id: str
    flags: int
    trace_state: str
    attributes: dict


@dataclasses.dataclass
class Point:
    """The last exported point of a metric."""

    service: str
    name: str
    unit: str
    attributes: dict


class Sink(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.spans, self.points, self.errors = [], [], []
        threading.Thread(target=self.serve_forever, args=[0.05], daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def trace(self, trace_id):
        return [span for span in list(self.spans) if span.trace_id == trace_id]

    def receive(self, path, body):
        if path == "/v1/traces":
            self.spans.extend(spans(ExportTraceServiceRequest.FromString(body)))
        elif path == "/v1/metrics":
            self.points.extend(points(ExportMetricsServiceRequest.FromString(body)))
        else:
            raise ValueError(f"{path}: expected /v1/traces or /v1/metrics")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        body = self.read()
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        try:
            self.server.receive(self.path, body)
            status = 200
        except Exception as error:
            self.server.errors.append(f"{self.path}: {error!r}")
            status = 400
        self.send_response(status)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", "0")
        self.end_headers()

    def read(self):
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers["content-length"]))
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, *_):
        pass


def spans(request):
    for resource in request.resource_spans:
        service = attributes(resource.resource).get("service.name")
        for scope in resource.scope_spans:
            for it in scope.spans:
                yield Span(
                    service,
                    it.name,
                    KINDS.get(it.kind, str(it.kind)),
                    STATUSES[it.status.code],
                    it.trace_id.hex(),
                    it.span_id.hex(),
                    it.parent_span_id.hex(),
                    it.flags,
                    it.trace_state,
                    attributes(it),
                )


def points(request):
    for resource in request.resource_metrics:
        service = attributes(resource.resource).get("service.name")
        for scope in resource.scope_metrics:
            for it in scope.metrics:
                for point in getattr(it, it.WhichOneof("data")).data_points:
                    yield Point(service, it.name, it.unit, attributes(point))


def attributes(described):
    return {it.key: value(it.value) for it in described.attributes}


def value(any_value):
    kind = any_value.WhichOneof("value")
    if kind == "array_value":
        return [value(it) for it in any_value.array_value.values]
    return getattr(any_value, kind) if kind else None
