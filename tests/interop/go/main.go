// Services in a chain of services of several languages: `interop net_http`, `gin` or `echo`.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"go.opentelemetry.io/contrib/propagators/autoprop"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"
)

// Each returns the instrumented application of a framework.
var frameworks = map[string]func(item http.HandlerFunc) http.Handler{
	"net_http": netHTTP,
	"gin":      ginApp,
	"echo":     echoApp,
}

func main() {
	framework := os.Args[1]
	application, found := frameworks[framework]
	if !found {
		log.Fatalf("framework %q: expected net_http, gin or echo", framework)
	}
	if err := run(framework, application); err != nil {
		log.Fatal(err)
	}
}

func run(framework string, application func(http.HandlerFunc) http.Handler) error {
	shutdown, err := telemetry()
	if err != nil {
		return err
	}
	calls, err := newCalls(os.Getenv("CHAIN_TRUST"))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: application(item(framework, calls))}
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(true)

	failed := make(chan error, 3)
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() { failed <- server.Serve(plain) }()
	ready := fmt.Sprintf("ready http://%s", plain.Addr())
	if certificate := os.Getenv("CHAIN_CERTIFICATE"); certificate != "" {
		encrypted, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		go func() { failed <- server.ServeTLS(encrypted, certificate, os.Getenv("CHAIN_KEY")) }()
		ready += fmt.Sprintf(" https://%s", encrypted.Addr())
	}
	health, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go func() { failed <- serveHealth(framework, health, calls) }()
	fmt.Printf("%s grpc://%s\n", ready, health.Addr())

	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	select {
	case err := <-failed:
		return err
	case <-stop.Done():
		return errors.Join(server.Shutdown(context.Background()), shutdown())
	}
}

// Installs providers and propagators of the standard variables.
func telemetry() (func() error, error) {
	ctx := context.Background()
	spans, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, err
	}
	measurements, err := otlpmetrichttp.New(ctx)
	if err != nil {
		return nil, err
	}
	tracers := trace.NewTracerProvider(trace.WithBatcher(spans))
	meters := metric.NewMeterProvider(metric.WithReader(metric.NewPeriodicReader(measurements)))
	otel.SetTracerProvider(tracers)
	otel.SetMeterProvider(meters)
	otel.SetTextMapPropagator(autoprop.NewTextMapPropagator())
	return func() error { return errors.Join(tracers.Shutdown(ctx), meters.Shutdown(ctx)) }, nil
}

// Handles `GET /items/{id}`: calls the next service of the chain, and responds with what each
// service has received.
func item(service string, calls *calls) http.HandlerFunc {
	return func(response http.ResponseWriter, request *http.Request) {
		hops := []hop{received(request.Context(), service, request.Header)}
		others, err := calls.next(request.Context(), request.Header.Get(chain))
		if err != nil {
			http.Error(response, err.Error(), http.StatusBadGateway)
			return
		}
		response.Header().Set("content-type", "application/json")
		json.NewEncoder(response).Encode(append(hops, others...))
	}
}
