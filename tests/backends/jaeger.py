"""Jaeger all-in-one with its spans in memory, and its query API."""

import json
import urllib.error
import urllib.request

from processes import Process, backend, eventually, free_ports


class Jaeger:
    def __init__(self):
        self.udp, self.http, self.otlp_grpc, self.otlp_http, query, *others = free_ports(12)
        self.query = f"http://127.0.0.1:{query}"
        flags = {
            "collector.otlp.enabled": "true",
            "collector.otlp.grpc.host-port": local(self.otlp_grpc),
            "collector.otlp.http.host-port": local(self.otlp_http),
            "collector.http-server.host-port": local(self.http),
            "collector.grpc-server.host-port": local(others[0]),
            "reporter.grpc.host-port": local(others[0]),
            "processor.jaeger-compact.server-host-port": local(self.udp),
            "processor.jaeger-binary.server-host-port": local(others[1]),
            "processor.zipkin-compact.server-host-port": local(others[2]),
            "http-server.host-port": local(others[3]),
            "query.http-server.host-port": local(query),
            "query.grpc-server.host-port": local(others[4]),
            "admin.http.host-port": local(others[5]),
            "log-level": "warn",
        }
        arguments = [f"--{name}={value}" for name, value in flags.items()]
        self.process = Process("jaeger", [backend("all-in-one"), *arguments], {"SPAN_STORAGE_TYPE": "memory"})
        eventually("Jaeger answers queries", lambda: self.ask("services") is not None)

    def ask(self, what):
        try:
            with urllib.request.urlopen(f"{self.query}/api/{what}", timeout=10) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def trace(self, trace_id):
        """Returns the spans of a trace, or an empty list if there is no such trace."""
        answer = self.ask(f"traces/{trace_id}")
        if not answer or not answer["data"]:
            return []
        (trace,) = answer["data"]
        return [Span(span, trace["processes"]) for span in trace["spans"]]


class Span:
    def __init__(self, span, processes):
        self.id = span["spanID"]
        self.name = span["operationName"]
        self.service = processes[span["processID"]]["serviceName"]
        self.parents = [it["spanID"] for it in span["references"] if it["refType"] == "CHILD_OF"]
        self.tags = {tag["key"]: (tag["type"], tag["value"]) for tag in span["tags"]}
        self.resource = {tag["key"]: tag["value"] for tag in processes[span["processID"]]["tags"]}
        self.logs = [{field["key"]: field["value"] for field in log["fields"]} for log in span["logs"]]
        self.warnings = span["warnings"] or []

    def __repr__(self):
        return f"{self.service}: {self.name} {self.tags} {self.logs}"


def local(port):
    return f"127.0.0.1:{port}"
