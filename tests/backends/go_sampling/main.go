// Compares decisions of samplers with those of the Go SDK, and thresholds with those of the Collector.
//
// Standard input has a line for each comparison:
//
//	id TRACE_ID                           a trace ID; decisions are in the order of the IDs
//	decisions SAMPLER PARENT 0110…        decisions about all IDs
//	threshold RATIO TH 0110…              the sub-key `th` of a ratio, and its decisions
//
// SAMPLER is `always_on`, `always_off` or `ratio:RATIO`, or `parent(ROOT,REMOTE_SAMPLED,REMOTE_NOT,LOCAL_SAMPLED,LOCAL_NOT)`
// of such samplers. PARENT is `none`, or `remote` or `local` with `+` if the parent is sampled and `-` if it is not.
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/sampling"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Digits of a threshold that the specification recommends.
const precision = 4

func number(text string) float64 {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func sampler(name string) sdk.Sampler {
	if inner, found := strings.CutPrefix(name, "parent("); found {
		delegates := strings.Split(strings.TrimSuffix(inner, ")"), ",")
		return sdk.ParentBased(
			sampler(delegates[0]),
			sdk.WithRemoteParentSampled(sampler(delegates[1])),
			sdk.WithRemoteParentNotSampled(sampler(delegates[2])),
			sdk.WithLocalParentSampled(sampler(delegates[3])),
			sdk.WithLocalParentNotSampled(sampler(delegates[4])),
		)
	}
	if ratio, found := strings.CutPrefix(name, "ratio:"); found {
		return sdk.TraceIDRatioBased(number(ratio))
	}
	switch name {
	case "always_on":
		return sdk.AlwaysSample()
	case "always_off":
		return sdk.NeverSample()
	}
	log.Fatalf("unknown sampler %q", name)
	return nil
}

func parent(name string, id trace.TraceID) context.Context {
	if name == "none" {
		return context.Background()
	}
	return trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID:    id,
		SpanID:     trace.SpanID{9},
		TraceFlags: trace.TraceFlags(0).WithSampled(strings.HasSuffix(name, "+")),
		Remote:     strings.HasPrefix(name, "remote"),
	}))
}

// Returns the number of decisions that differ.
func differences(ids []trace.TraceID, decisions string, decide func(trace.TraceID) bool) int {
	if len(decisions) != len(ids) || len(ids) == 0 {
		log.Fatalf("%d decisions about %d trace ids", len(decisions), len(ids))
	}
	count := 0
	for at, id := range ids {
		if decide(id) != (decisions[at] == '1') {
			count++
		}
	}
	return count
}

func main() {
	var ids []trace.TraceID
	lines, wrong, compared := 0, 0, 0
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<20)
	for input.Scan() {
		fields := strings.Fields(input.Text())
		switch fields[0] {
		case "id":
			id, err := trace.TraceIDFromHex(fields[1])
			if err != nil {
				log.Fatal(err)
			}
			ids = append(ids, id)
			continue
		case "decisions":
			sampler := sampler(fields[1])
			different := differences(ids, fields[3], func(id trace.TraceID) bool {
				result := sampler.ShouldSample(sdk.SamplingParameters{
					ParentContext: parent(fields[2], id), TraceID: id, Name: "span", Kind: trace.SpanKindServer,
				})
				return result.Decision == sdk.RecordAndSample
			})
			if different > 0 {
				fmt.Printf("%s, parent %s: %d decisions differ\n", fields[1], fields[2], different)
			}
			wrong += different
		case "threshold":
			threshold, err := sampling.ProbabilityToThresholdWithPrecision(number(fields[1]), precision)
			if err != nil {
				log.Fatal(err)
			}
			if threshold.TValue() != fields[2] {
				fmt.Printf("ratio %s: th:%s, the Collector has th:%s\n", fields[1], fields[2], threshold.TValue())
				wrong++
			}
			different := differences(ids, fields[3], func(id trace.TraceID) bool {
				return threshold.ShouldSample(sampling.TraceIDToRandomness([16]byte(id)))
			})
			if different > 0 {
				fmt.Printf("ratio %s: %d decisions differ\n", fields[1], different)
			}
			wrong += different
		default:
			log.Fatalf("unknown line %q", fields[0])
		}
		lines++
		compared += len(ids)
	}
	if err := input.Err(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d decisions of %d samplers about %d trace ids compared, %d differ\n", compared, lines, len(ids), wrong)
	if wrong > 0 || lines == 0 {
		os.Exit(1)
	}
}
