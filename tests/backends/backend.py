"""HTTP backend with a configurable behaviour. It records the ids of the spans that it has accepted."""

import gzip
import http.server
import socket
import struct
import threading
import time

import otlp
import thrift
from processes import free_ports


class Backend:
    """Accepts OTLP."""

    find_spans = staticmethod(otlp.spans)

    def __init__(self, tls=None):
        (self.port,) = free_ports(1)
        self.scheme = "https" if tls else "http"
        self.behave = well
        self.spans = []
        self.asked = []
        self.server = None
        self.start(tls)

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def variables(self):
        return {
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        }

    def start(self, tls=None):
        self.server = Server(("127.0.0.1", self.port), Handler)
        self.server.backend = self
        if tls:
            # The handshake runs in the thread of the connection.
            self.server.socket = tls.wrap_socket(
                self.server.socket, server_side=True, do_handshake_on_connect=False
            )
        threading.Thread(target=self.server.serve_forever, args=[0.05], daemon=True).start()

    def stop(self):
        """Closes the listener and all connections."""
        self.server.shutdown()
        self.server.server_close()
        self.server.close_connections()

    def vanish(self):
        """Stops responding, without refusing connections: the backlog of the socket is full."""
        self.stop()
        self.server = None
        self.full = socket.create_server(("127.0.0.1", self.port), backlog=0)
        self.waiting = []
        for _ in range(4):
            waiting = socket.socket()
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", self.port))
            self.waiting.append(waiting)

    def appear(self):
        for waiting in [*self.waiting, self.full]:
            waiting.close()
        self.start()


class LogBackend(Backend):
    """Accepts log records over OTLP. Its `spans` are those of the records."""

    find_spans = staticmethod(otlp.log_records)


class JaegerBackend(Backend):
    """Accepts the requests of Jaeger's collector."""

    find_spans = staticmethod(thrift.spans)

    def variables(self):
        return {"OTEL_TRACES_EXPORTER": "jaeger", "OTEL_EXPORTER_JAEGER_ENDPOINT": f"{self.url}/api/traces"}


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *arguments):
        self.connections = set()
        super().__init__(*arguments)

    def process_request(self, request, client_address):
        self.connections.add(request)
        super().process_request(request, client_address)

    def close_connections(self):
        for connection in list(self.connections):
            close(connection)

    def handle_error(self, request, client_address):
        """Ignores the errors of connections that were closed by `close_connections`."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        backend = self.server.backend
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        backend.asked.append(time.monotonic())
        backend.behave(self, body)

    def answer(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def well(handler, body):
    backend = handler.server.backend
    received = list(backend.find_spans(body))
    handler.answer(200)
    backend.spans.extend(received)


def busy(status, seconds):
    """Responds with `status` and with `Retry-After` in seconds."""
    return lambda handler, _: handler.answer(status, retry_after=seconds)


def silent(handler, _):
    """Sends no response and waits until the client closes the connection."""
    handler.rfile.read(1)
    handler.close_connection = True


def reset(handler, _):
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def close(connection):
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
