"""OpenTelemetry Collector that exports received data as JSON to a server in this process, for checks."""

import json

from json_sink import Sink
from processes import LOGS, Process, backend, free_ports

GRPC, HTTP = "grpc", "http"


class Collector:
    """Receives over gRPC and HTTP. `ports` contains the ports by kind of TLS and protocol."""

    def __init__(self, tls):
        """Starts a collector. `tls` contains the settings of each kind of TLS by its name."""
        ports = iter(free_ports(2 * len(tls)))
        self.ports = {(kind, protocol): next(ports) for kind in tls for protocol in (GRPC, HTTP)}
        self.sink = Sink()
        self.config = LOGS / "collector.json"
        # JSON is valid YAML.
        self.config.write_text(json.dumps(self.configuration(tls), indent=2))
        self.start()

    def variables(self, kind, protocol):
        return {
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{self.ports[kind, protocol]}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        }

    def start(self):
        self.process = Process("otelcol", [backend("otelcol"), f"--config={self.config}"])
        self.process.wait_for("Everything is ready")

    def stop(self):
        self.process.stop()

    def configuration(self, tls):
        receivers = {f"otlp/{kind}": {"protocols": self.protocols(kind, settings)} for kind, settings in tls.items()}
        sink = {
            "endpoint": self.sink.url,
            "encoding": "json",
            "compression": "none",
            # Without a queue, the response is sent after the delivery to the sink.
            "sending_queue": {"enabled": False},
            "retry_on_failure": {"enabled": False},
        }
        pipeline = {
            "receivers": list(receivers),
            "processors": ["memory_limiter"],
            "exporters": ["debug", "otlp_http"],
        }
        return {
            "receivers": receivers,
            "processors": {"memory_limiter": {"check_interval": "1s", "limit_mib": 512}},
            "exporters": {"debug": {}, "otlp_http": sink},
            "service": {
                "pipelines": {"traces": pipeline, "metrics": pipeline, "logs": pipeline},
                "telemetry": {"metrics": {"level": "none"}},
            },
        }

    def protocols(self, kind, settings):
        return {
            protocol: {"endpoint": f"127.0.0.1:{self.ports[kind, protocol]}"} | ({"tls": settings} if settings else {})
            for protocol in (GRPC, HTTP)
        }

    @property
    def spans(self):
        """Returns trace id and span id of each span."""
        return [(span["traceId"], span["spanId"]) for _, span in self.described_spans()]

    def described_spans(self):
        """Yields each span with the attributes of its resource."""
        return described(self.sink.spans())

    def logs(self):
        """Yields each log record with the attributes of its resource."""
        return described(self.sink.logs())

    def metrics(self):
        """Yields each metric with the attributes of its resource."""
        return described(self.sink.metrics())

    def forget(self):
        self.sink.requests.clear()


def described(items):
    return ((attributes(resource), item) for resource, _, item in items)


def attributes(described):
    """Returns the values of the attributes in the form of JSON: an integer is a string."""
    return {it["key"]: next(iter(it["value"].values())) for it in described.get("attributes", [])}
