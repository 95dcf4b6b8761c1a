//! Ingestion, search and memory with one million spans: `cargo bench -p tracing-panel`.

use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value::Value},
    resource::v1::Resource,
    trace::v1::{ResourceSpans, ScopeSpans, Span},
};
use prost::Message;
use tracing_panel::{
    otlp::Intake,
    query::Query,
    store::{Order, Store, TraceSearch},
};

const SPANS: usize = 1_000_000;
const SPANS_OF_TRACE: usize = 10;
const TRACES_OF_REQUEST: usize = 50;
const RUNS: usize = 40;

fn main() {
    let store = Store::new(4 << 30);
    let intake = Intake::new(store.clone());
    let mut busy = Duration::ZERO;
    for first in (0..SPANS / SPANS_OF_TRACE).step_by(TRACES_OF_REQUEST) {
        let body = request(first).encode_to_vec();
        let started = Instant::now();
        intake.add_traces(ExportTraceServiceRequest::decode(&*body).expect("a request"));
        busy += started.elapsed();
    }
    println!(
        "ingestion: {:.0} spans per second and core, decoding included",
        SPANS as f64 / busy.as_secs_f64()
    );
    let usage = store.read().usage()[0];
    println!("memory: {} bytes per span (estimate)", usage.bytes / usage.entries);
    println!("memory: {} bytes per span (resident)", resident() / usage.entries);
    for query in [
        "",
        "service:gateway status>=500",
        "shop.order=777777",
        "shop.order=absent",
        "\"order 99\"",
        "\"nowhere to be found\"",
        "dur>10s",
        "route:/checkout/{item} dur>200ms shop.item=tea",
    ] {
        search(&store, query);
    }
}

fn search(store: &Store, text: &str) {
    let query = Query::parse(text).expect("a search");
    let search = TraceSearch { query, from: 0, to: u64::MAX, order: Order::Newest, most: 1000 };
    let mut times = Vec::new();
    let mut found = 0;
    for _ in 0..RUNS {
        let started = Instant::now();
        found = store.read().search(&search).len();
        times.push(started.elapsed());
    }
    times.sort_unstable();
    println!("search {text:50} p95 {:>8.2?}, {found} traces", times[RUNS * 95 / 100]);
}

fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes: usize =
        line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or(0);
    kibibytes * 1024
}

fn request(first: usize) -> ExportTraceServiceRequest {
    let resource_spans = ["gateway", "inventory", "pricing"]
        .into_iter()
        .enumerate()
        .map(|(service, name)| {
            let spans = (first..first + TRACES_OF_REQUEST)
                .flat_map(|trace| {
                    (0..SPANS_OF_TRACE)
                        .filter(move |span| span % 3 == service)
                        .map(move |index| span(trace, index))
                })
                .collect();
            let resource =
                Resource { attributes: vec![text("service.name", name)], ..Resource::default() };
            ResourceSpans {
                resource: Some(resource),
                scope_spans: vec![ScopeSpans { spans, ..ScopeSpans::default() }],
                ..ResourceSpans::default()
            }
        })
        .collect();
    ExportTraceServiceRequest { resource_spans }
}

fn span(trace: usize, index: usize) -> Span {
    let start = 1_764_000_000_000_000_000 + trace as u64 * 1_000_000;
    let duration = (trace % 997 + 1) as u64 * 500_000;
    let id = |index: usize| (trace * SPANS_OF_TRACE + index + 1).to_be_bytes().to_vec();
    let status = if trace.is_multiple_of(5_000) { 503 } else { 200 };
    Span {
        trace_id: (trace as u128 + 1).to_be_bytes().to_vec(),
        span_id: id(index),
        parent_span_id: if index == 0 { Vec::new() } else { id(index - 1) },
        name: ["GET /checkout/{item}", "GET", "SELECT shop.stock"][index % 3].to_owned(),
        kind: 2 + (index % 2) as i32,
        start_time_unix_nano: start,
        end_time_unix_nano: start + duration,
        attributes: vec![
            text("http.request.method", "GET"),
            text("http.route", "/checkout/{item}"),
            number("http.response.status_code", status),
            text("shop.item", ["tea", "coffee", "honey"][trace % 3]),
            text("shop.order", &(trace * 7).to_string()),
            text("note", &format!("order {trace} of customer {}", trace % 1_000)),
        ],
        ..Span::default()
    }
}

fn text(key: &str, value: &str) -> KeyValue {
    attribute(key, Value::StringValue(value.to_owned()))
}

fn number(key: &str, value: i64) -> KeyValue {
    attribute(key, Value::IntValue(value))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), key_strindex: 0 }
}
