"""SIGTERM under load: every span that ended before it is delivered, or is counted as lost in the log."""

import collections
import http.client
import secrets
import threading
import time
import urllib.parse

from backend import Backend, silent
from jaeger import Jaeger
from processes import claim, eventually
from services import Server, shop

CLIENTS = 6
SECONDS = 2
PATIENCE = 20
SPANS_OF_AN_ORDER = 7


def judge():
    for framework in ["axum", "actix"]:
        delivers(framework)
        says_what_it_lost(framework)
    shop_delivers()


class Clients:
    """Clients that send requests in sequence until there is no response.

    `answered` contains the trace ids of all complete responses.
    """

    def __init__(self, url):
        self.address = urllib.parse.urlsplit(url)
        self.answered = []
        self.threads = [threading.Thread(target=self.ask) for _ in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def ask(self):
        connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=PATIENCE)
        try:
            while True:
                trace_id = secrets.token_hex(16)
                caller = f"00-{trace_id}-{secrets.token_hex(8)}-01"
                connection.request("GET", self.address.path, headers={"traceparent": caller})
                response = connection.getresponse()
                response.read()
                if response.status == 200:
                    self.answered.append(trace_id)
                time.sleep(0.005)
        except (OSError, http.client.HTTPException):
            connection.close()

    def end(self):
        for thread in self.threads:
            thread.join()
        return self.answered


def end_under_load(process, url):
    """Stops a process under load. Returns the exit code, the trace ids of all responses, and the time until its end."""
    clients = Clients(url)
    time.sleep(SECONDS)
    began = time.monotonic()
    code = process.stop()
    return code, clients.end(), time.monotonic() - began


def delivers(framework):
    print(f"a service on {framework} is stopped under load", flush=True)
    backend = Backend()
    server = Server(framework, backend.variables())
    code, answered, took = end_under_load(server, server.url)
    claim(f"it ends with 0 after {took:.1f} s", code == 0, server.said())

    def all_arrived():
        arrived = collections.Counter(trace_id for trace_id, _ in backend.spans)
        return all(arrived[it] == server.exported.per_request for it in answered)

    # A backend counts spans shortly after its response.
    eventually("both spans of every request arrive", all_arrived)
    claim(f"both spans of all {len(answered)} requests have arrived", answered)


def says_what_it_lost(framework):
    print(f"a service on {framework} whose backend is silent is stopped under load", flush=True)
    backend = Backend()
    backend.behave = silent
    server = Server(framework, backend.variables())
    code, answered, took = end_under_load(server, server.url)
    claim(f"it ends after {took:.1f} s, but not with 0", code == 1, server.said())
    lost, ended = server.loss()
    spans = len(answered) * server.exported.per_request
    claim(f"it says that all {ended} spans are lost, {spans} at least", lost == ended >= spans, server.said())


def shop_delivers():
    print("the shop is stopped under load", flush=True)
    jaeger = Jaeger()
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{jaeger.otlp_http}", "RUST_LOG": "warn"}
    process = shop(variables, "--serve", "--port=0", "--metrics-port=0", "--panel-port=0")
    gateway = process.wait_for(r"curl (\S+/checkout/tea)")[1]
    code, answered, took = end_under_load(process, gateway)
    claim(f"it ends with 0 after {took:.1f} s", code == 0, process.said())
    # Jaeger accepts spans before it has stored them.
    in_jaeger = lambda: all(len(jaeger.trace(it)) == SPANS_OF_AN_ORDER for it in answered)
    eventually("all spans of every order are in Jaeger", in_jaeger)
    claim(f"all spans of all {len(answered)} orders are in Jaeger", answered)
    jaeger.stop()
