package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/baggage"
)

// Header with the URLs of the services that follow, separated by spaces.
const chain = "x-chain"

// Prefixes of the headers that contain a context.
var contextHeaders = []string{"traceparent", "tracestate", "baggage", "b3", "x-b3-", "uber"}

// The context that a service has received.
type hop struct {
	Service string            `json:"service"`
	Headers [][2]string       `json:"headers"`
	Baggage map[string]string `json:"baggage"`
}

func received(ctx context.Context, service string, headers map[string][]string) hop {
	found := hop{service, [][2]string{}, map[string]string{}}
	for name, values := range headers {
		name = strings.ToLower(name)
		for _, prefix := range contextHeaders {
			if strings.HasPrefix(name, prefix) {
				for _, value := range values {
					found.Headers = append(found.Headers, [2]string{name, value})
				}
				break
			}
		}
	}
	for _, member := range baggage.FromContext(ctx).Members() {
		found.Baggage[member.Key()] = member.Value()
	}
	return found
}

// Clients for all kinds of URLs.
type calls struct {
	http *http.Client
	h2c  *http.Client
}

func newCalls(trust string) (*calls, error) {
	plain, unencrypted := new(http.Transport), new(http.Transport)
	plain.ForceAttemptHTTP2 = true
	if trust != "" {
		certificate, err := os.ReadFile(trust)
		if err != nil {
			return nil, err
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(certificate) {
			return nil, fmt.Errorf("no certificate in %s", trust)
		}
		plain.TLSClientConfig = &tls.Config{RootCAs: roots}
	}
	unencrypted.Protocols = new(http.Protocols)
	unencrypted.Protocols.SetUnencryptedHTTP2(true)
	return &calls{
		&http.Client{Transport: otelhttp.NewTransport(plain)},
		&http.Client{Transport: otelhttp.NewTransport(unencrypted)},
	}, nil
}

// Calls the first service of the chain, and returns what it and the others have received.
func (calls *calls) next(ctx context.Context, services string) ([]hop, error) {
	url, rest, _ := strings.Cut(strings.TrimSpace(services), " ")
	if url == "" {
		return nil, nil
	}
	if address, found := strings.CutPrefix(url, "grpc://"); found {
		return check(ctx, address, rest)
	}
	client := calls.http
	if address, found := strings.CutPrefix(url, "h2c://"); found {
		client, url = calls.h2c, "http://"+address
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set(chain, rest)
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s: %s", url, response.Status, body)
	}
	var hops []hop
	return hops, json.Unmarshal(body, &hops)
}
