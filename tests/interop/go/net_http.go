package main

import (
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
)

func netHTTP(item http.HandlerFunc) http.Handler {
	routes := http.NewServeMux()
	routes.HandleFunc("GET /items/{id}", item)
	return otelhttp.NewHandler(routes, "net_http")
}
