package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// Metadata of the response: what each service of the chain has received, as JSON.
const hops = "x-hops-bin"

// The gRPC service of the chain. It is the one for health checks, because every language has it.
type health struct {
	grpc_health_v1.UnimplementedHealthServer
	service string
	calls   *calls
}

func serveHealth(service string, listener net.Listener, calls *calls) error {
	server := grpc.NewServer(grpc.StatsHandler(otelgrpc.NewServerHandler()))
	grpc_health_v1.RegisterHealthServer(server, &health{service: service, calls: calls})
	return server.Serve(listener)
}

func (health *health) Check(
	ctx context.Context, _ *grpc_health_v1.HealthCheckRequest,
) (*grpc_health_v1.HealthCheckResponse, error) {
	headers, _ := metadata.FromIncomingContext(ctx)
	found := []hop{received(ctx, health.service, headers)}
	services := ""
	if values := headers.Get(chain); len(values) > 0 {
		services = values[0]
	}
	others, err := health.calls.next(ctx, services)
	if err != nil {
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	encoded, err := json.Marshal(append(found, others...))
	if err != nil {
		return nil, err
	}
	return new(grpc_health_v1.HealthCheckResponse), grpc.SetHeader(ctx, metadata.Pairs(hops, string(encoded)))
}

func check(ctx context.Context, address, services string) ([]hop, error) {
	connection, err := grpc.NewClient(
		address,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStatsHandler(otelgrpc.NewClientHandler()),
	)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	var headers metadata.MD
	ctx = metadata.AppendToOutgoingContext(ctx, chain, services)
	client := grpc_health_v1.NewHealthClient(connection)
	if _, err := client.Check(ctx, new(grpc_health_v1.HealthCheckRequest), grpc.Header(&headers)); err != nil {
		return nil, err
	}
	values := headers.Get(hops)
	if len(values) != 1 {
		return nil, fmt.Errorf("%s has %d values of %s", address, len(values), hops)
	}
	var found []hop
	return found, json.Unmarshal([]byte(values[0]), &found)
}
