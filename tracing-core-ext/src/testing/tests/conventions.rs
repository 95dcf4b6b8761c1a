//! Names, types, values and required attributes by the conventions.

use opentelemetry::metrics::MeterProvider;
use tracing::info_span;

use super::{call, failure, instrumentation, serve};
use crate::testing::Traces;

#[test]
fn requests_of_this_crate_follow_the_conventions() {
    let traces = Traces::new();
    let client = instrumentation();
    serve(&instrumentation(), 500, || call(&client, 404));
    traces.only().blocking();
    traces.follow_conventions();
}

#[test]
fn attributes_of_the_service_are_free() {
    let traces = Traces::new();
    info_span!("price", item.id = 7, db.anything = true).in_scope(|| {});
    let counter = traces.meter_provider().meter("shop").u64_counter("shop.orders").build();
    counter.add(1, &[]);
    traces.follow_conventions();
}

/// Returns the differences of a span of `attributes`, each on a line of the message.
macro_rules! differences {
    ($kind:literal, $($fields:tt)*) => {{
        let traces = Traces::new();
        info_span!("root", otel.kind = $kind, $($fields)*).in_scope(|| {});
        let message = failure(|| traces.follow_conventions());
        let marked = message.lines().filter_map(|line| line.strip_prefix("      "));
        marked.map(str::to_owned).collect::<Vec<_>>()
    }};
}

#[test]
fn each_rule_is_checked() {
    assert_eq!(
        differences!("internal", http.status_code = 200),
        ["http.status_code: no attribute of the conventions"]
    );
    assert_eq!(
        differences!("internal", server.port = "80"),
        ["server.port: expected the type int, found \"80\" (string)"]
    );
    assert_eq!(
        differences!("internal", http.request.header.accept = "text/html"),
        ["http.request.header.accept: expected the type string[], found \"text/html\" (string)"]
    );
    assert_eq!(
        differences!("internal", network.transport = "tpc"),
        ["network.transport: expected one of tcp, udp, pipe, unix, quic, found \"tpc\""]
    );
    assert_eq!(differences!("internal", code.function = "price"), ["code.function: deprecated"]);
    assert_eq!(
        differences!("server", http.request.method = "GET", url.path = "/"),
        ["url.scheme: required of a server span of http"]
    );
    assert_eq!(
        differences!("client", rpc.method = "a/b", http.route = "/", otel.status_code = "error"),
        [
            "rpc.system.name: required of a client span of rpc",
            "error.type: required of a span of rpc that has failed"
        ]
    );
    assert_eq!(
        differences!("consumer", messaging.system = "kafka"),
        ["messaging.operation.name: required of a consumer span of messaging"]
    );
}

#[test]
fn metrics_are_checked() {
    let traces = Traces::new();
    let meter = traces.meter_provider().meter("shop");
    let label = [opentelemetry::KeyValue::new("http.request.method", "GET")];
    meter.f64_histogram("http.server.request.duration").with_unit("ms").build().record(1.0, &label);
    meter.u64_counter("http.server.requests").build().add(1, &[]);
    meter.u64_counter("messaging.process.duration").with_unit("s").build().add(1, &[]);
    let message = failure(|| traces.follow_conventions());
    for difference in [
        "http.server.request.duration: expected the unit \"s\", found \"ms\"\n",
        "http.server.request.duration: url.scheme: required\n",
        "http.server.requests: no metric of the conventions\n",
        "messaging.process.duration: expected a histogram, found a counter\n",
    ] {
        assert!(message.contains(difference), "{difference}{message}");
    }
    assert!(!message.contains("http.request.method"), "{message}");
}
