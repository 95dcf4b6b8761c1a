"""The handler that the services in Python share, and the providers of the standard variables."""

import signal
import sys

import requests
from opentelemetry import baggage, metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

# Header with the URLs of the services that follow, separated by spaces.
CHAIN = "x-chain"
# Prefixes of the headers that contain a context.
CONTEXT = ("traceparent", "tracestate", "baggage", "b3", "x-b3-", "uber")


def install():
    """Installs the providers. They export what is left at SIGTERM."""
    tracers = TracerProvider()
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(tracers)
    meters = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())])
    metrics.set_meter_provider(meters)
    RequestsInstrumentor().instrument()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())


def announce(port):
    print(f"ready http://127.0.0.1:{port}", flush=True)


def item(service, headers):
    """Calls the next service, and returns what each service of the chain has received."""
    found = [(name.lower(), value) for name, value in headers]
    hop = {
        "service": service,
        "headers": [it for it in found if it[0].startswith(CONTEXT)],
        "baggage": dict(baggage.get_all()),
    }
    url, _, rest = dict(found).get(CHAIN, "").strip().partition(" ")
    if not url:
        return [hop]
    response = requests.get(url, headers={CHAIN: rest}, timeout=10)
    response.raise_for_status()
    return [hop, *response.json()]
