"""A server that receives OTLP/JSON over HTTP."""

import http.server
import json
import threading


class Sink(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        """Starts on a free port."""
        super().__init__(("127.0.0.1", 0), Received)
        self.requests = []
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=[0.05], daemon=True).start()

    def spans(self):
        return self.items("/v1/traces", "resourceSpans", "scopeSpans", "spans")

    def metrics(self):
        return self.items("/v1/metrics", "resourceMetrics", "scopeMetrics", "metrics")

    def logs(self, path="/v1/logs"):
        return self.items(path, "resourceLogs", "scopeLogs", "logRecords")

    def items(self, path, resources, scopes, items):
        """Yields the resource, the scope and the content of each item. A scope without a name may be absent."""
        for request in [body for asked, body in list(self.requests) if asked == path]:
            for resource in request[resources]:
                for scope in resource[scopes]:
                    yield from ((resource["resource"], scope.get("scope", {}), item) for item in scope[items])


class Received(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.requests.append((self.path, body))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass
