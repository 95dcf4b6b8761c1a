// Sends a trace and a metric over OTLP/HTTP with OpenTelemetry's SDK for Node.
import { SpanKind, SpanStatusCode, context, trace } from "@opentelemetry/api";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { defaultResource, resourceFromAttributes } from "@opentelemetry/resources";
import { MeterProvider, PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics";
import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";

const resource = defaultResource().merge(resourceFromAttributes({ "service.name": process.env.OTEL_SERVICE_NAME }));
const tracers = new BasicTracerProvider({ resource, spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter())] });
const meters = new MeterProvider({ resource, readers: [new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter() })] });

const tracer = tracers.getTracer("sender");
const span = tracer.startSpan("GET /node", { kind: SpanKind.SERVER, attributes: { "shop.item": "tea" } });
tracer.startSpan("SELECT stock", { kind: SpanKind.CLIENT }, trace.setSpan(context.active(), span)).end();
span.recordException(new Error("out of stock"));
span.setStatus({ code: SpanStatusCode.ERROR });
span.end();
meters.getMeter("sender").createHistogram("shop.duration", { unit: "s" }).record(0.25);

await tracers.shutdown();
await meters.shutdown();
