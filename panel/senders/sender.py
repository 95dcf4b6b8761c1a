"""Sends a trace, a log record and a metric over OTLP/HTTP with OpenTelemetry's SDK for Python."""

import logging

from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

tracers = TracerProvider()
tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(tracers)
meters = MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())])
loggers = LoggerProvider()
loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
logging.getLogger().addHandler(LoggingHandler(logger_provider=loggers))

tracer = trace.get_tracer("sender")
with tracer.start_as_current_span("GET /python", kind=trace.SpanKind.SERVER) as span:
    span.set_attribute("shop.items", ["tea", "honey"])
    logging.warning("out of %s", "tea")
    with tracer.start_as_current_span("SELECT stock", kind=trace.SpanKind.CLIENT):
        pass
    span.set_status(trace.StatusCode.ERROR, "out of stock")
meters.get_meter("sender").create_histogram("shop.duration", unit="s").record(0.25)

for provider in (tracers, meters, loggers):
    provider.shutdown()
