"""Jaeger 2 with its spans in memory and its query API, behind an agent of Jaeger 1, which accepts UDP."""

import json
import urllib.error
import urllib.request

from processes import LOGS, Process, backend, eventually, free_ports


class Jaeger:
    def __init__(self):
        self.http, self.otlp_grpc, self.otlp_http, self.grpc, query, query_grpc = free_ports(6)
        self.query = f"http://127.0.0.1:{query}"
        config = LOGS / "jaeger.json"
        LOGS.mkdir(parents=True, exist_ok=True)
        # JSON is valid YAML.
        config.write_text(json.dumps(self.configuration(query, query_grpc), indent=2))
        self.process = Process("jaeger", [backend("jaeger"), f"--config={config}"])
        self.start_agent()
        eventually("Jaeger answers queries", lambda: self.ask("services") is not None)

    def configuration(self, query, query_grpc):
        return {
            "extensions": {
                "jaeger_storage": {"backends": {"memory": {"memory": {"max_traces": 100000}}}},
                "jaeger_query": {
                    "storage": {"traces": "memory"},
                    "http": {"endpoint": local(query)},
                    "grpc": {"endpoint": local(query_grpc)},
                },
            },
            "receivers": {
                "otlp": {
                    "protocols": {
                        "grpc": {"endpoint": local(self.otlp_grpc)},
                        "http": {"endpoint": local(self.otlp_http)},
                    }
                },
                "jaeger": {
                    "protocols": {
                        "grpc": {"endpoint": local(self.grpc)},
                        "thrift_http": {"endpoint": local(self.http)},
                    }
                },
            },
            "exporters": {"jaeger_storage_exporter": {"trace_storage": "memory"}},
            "service": {
                "extensions": ["jaeger_storage", "jaeger_query"],
                "pipelines": {
                    "traces": {"receivers": ["otlp", "jaeger"], "exporters": ["jaeger_storage_exporter"]}
                },
                "telemetry": {"metrics": {"level": "none"}, "logs": {"level": "warn"}},
            },
        }

    def start_agent(self):
        self.udp, binary, zipkin, sampling, admin = free_ports(5)
        flags = {
            "reporter.grpc.host-port": local(self.grpc),
            "processor.jaeger-compact.server-host-port": local(self.udp),
            "processor.jaeger-binary.server-host-port": local(binary),
            "processor.zipkin-compact.server-host-port": local(zipkin),
            "http-server.host-port": local(sampling),
            "admin.http.host-port": local(admin),
            "log-level": "warn",
        }
        arguments = [f"--{name}={value}" for name, value in flags.items()]
        self.agent = Process("jaeger-agent", [backend("jaeger-agent"), *arguments])

    def stop(self):
        self.agent.stop()
        self.process.stop()

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
