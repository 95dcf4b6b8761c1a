// Sends a trace, a log record and a metric over OTLP/gRPC with OpenTelemetry's SDK for Go.
package main

import (
	"context"
	"log"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	otellog "go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	ctx := context.Background()
	tracers := sdktrace.NewTracerProvider(sdktrace.WithBatcher(must(otlptracegrpc.New(ctx))))
	meters := metric.NewMeterProvider(metric.WithReader(metric.NewPeriodicReader(must(otlpmetricgrpc.New(ctx)))))
	loggers := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(must(otlploggrpc.New(ctx)))))

	tracer := tracers.Tracer("sender")
	request, span := tracer.Start(ctx, "GET /go", trace.WithSpanKind(trace.SpanKindServer))
	span.SetAttributes(attribute.String("shop.item", "tea"))
	_, query := tracer.Start(request, "SELECT stock", trace.WithSpanKind(trace.SpanKindClient))
	query.End()
	var record otellog.Record
	record.SetSeverity(otellog.SeverityWarn)
	record.SetBody(attribute.StringValue("out of tea"))
	loggers.Logger("sender").Emit(request, record)
	span.SetStatus(codes.Error, "out of stock")
	span.End()
	must(meters.Meter("sender").Float64Histogram("shop.duration")).Record(request, 0.25)

	for _, shutdown := range []func(context.Context) error{tracers.Shutdown, meters.Shutdown, loggers.Shutdown} {
		if err := shutdown(ctx); err != nil {
			log.Fatal(err)
		}
	}
}
