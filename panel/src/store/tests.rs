use super::*;
use crate::{
    model::{Attributes, MetricKind, PointValue, Sample, Status, Value},
    testing::{child, log_record, resource, span, trace_id},
};

fn search(store: &Store, query: &str) -> Vec<TraceHit> {
    let query = Query::parse(query).unwrap();
    let search = TraceSearch { query, from: 0, to: u64::MAX, order: Order::Newest, most: 1000 };
    store.read().search(&search)
}

fn with_value(mut span: Span, value: &str) -> Span {
    span.attributes = [(Arc::from("shop.note"), Value::Text(value.into()))].into_iter().collect();
    span
}

#[test]
fn a_search_finds_traces_by_any_span() {
    let store = Store::default();
    let root = span("gateway", "GET /checkout");
    let inner = with_value(child(&root, "pricing", "price"), "out of stock");
    let other = span("gateway", "GET /health");
    store.add_spans(vec![inner, root.clone(), other]);
    let hits = search(&store, "service:pricing \"out of\"");
    assert_eq!(hits.len(), 1);
    assert_eq!(
        (hits[0].summary.id, hits[0].summary.spans, hits[0].matching),
        (root.trace_id, 2, 1)
    );
    assert_eq!(hits[0].summary.root.id, root.id);
    assert_eq!(search(&store, "").len(), 2);
    assert_eq!(search(&store, "service:gateway \"out of\"").len(), 0, "one span must match all");
}

#[test]
fn a_repeated_span_is_stored_once() {
    let store = Store::default();
    let root = span("gateway", "GET /");
    let spans: Vec<Span> = (0..100).map(|_| child(&root, "gateway", "work")).collect();
    store.add_spans(vec![root.clone()]);
    store.add_spans(spans.clone());
    store.add_spans(spans);
    assert_eq!(store.read().trace(root.trace_id).unwrap().spans().len(), 101);
}

#[test]
fn memory_is_limited_and_slow_and_failed_requests_stay() {
    let store = Store::new(1 << 20);
    let mut slow = span("gateway", "GET /a");
    slow.end = slow.start + 10_000_000_000;
    let mut failed = span("gateway", "GET /b");
    failed.status = Status::Error;
    let ordinary: Vec<Span> = (0..20).map(|_| span("gateway", "GET /a")).collect();
    // These are the slowest ones so far, because all have the same duration.
    let ordinary_id = ordinary[19].trace_id;
    store.add_spans(vec![slow.clone(), failed.clone()]);
    store.add_spans(ordinary);
    for _ in 0..200 {
        store.add_spans(
            (0..20).map(|_| with_value(span("gateway", "GET /a"), &"x".repeat(500))).collect(),
        );
        for usage in store.read().usage() {
            assert!(usage.bytes <= usage.limit, "{usage:?}");
        }
    }
    let read = store.read();
    assert!(read.trace(slow.trace_id).is_some() && read.trace(failed.trace_id).is_some());
    assert!(read.trace(ordinary_id).is_none());
    let counters = &store.counters().traces;
    assert_eq!(counters.received(), 4022);
    assert_eq!(counters.evicted() as usize, 4022 - read.usage()[0].entries);
}

#[test]
fn one_trace_that_is_larger_than_the_limit_is_dropped() {
    let store = Store::new(1 << 18);
    let root = span("gateway", "GET /");
    let spans = (0..100).map(|_| with_value(child(&root, "gateway", "work"), &"x".repeat(9_000)));
    store.add_spans(spans.collect());
    let usage = store.read().usage()[0];
    assert_eq!((usage.entries, usage.bytes), (0, 0));
    assert_eq!(store.counters().traces.evicted(), 100);
}

#[test]
fn records_are_found_by_trace_after_older_ones_are_dropped() {
    let store = Store::new(1 << 20);
    for number in 0..2_000u128 {
        let mut record = log_record("gateway", &format!("order {number} {}", "x".repeat(200)));
        record.trace_id = Some(trace_id(number / 2 + 1));
        store.add_logs(vec![record]);
    }
    let read = store.read();
    assert_eq!(read.logs_of(trace_id(1000)).len(), 2);
    assert_eq!(read.logs_of(trace_id(1)).len(), 0);
    let (page, more) = read.logs(&Query::default(), None, 10);
    assert!(more && page[0].record.body.starts_with("order 1999 "));
    let (next, _) = read.logs(&Query::default(), Some(page[9].number), 10);
    assert!(next[0].record.body.starts_with("order 1989 "));
    let (all, more) = read.logs(&Query::default(), None, 5_000);
    assert_eq!((all.len() as u64, more), (2_000 - store.counters().logs.evicted(), false));
    assert!(read.usage()[1].bytes <= read.usage()[1].limit);
}

fn point(name: &str, series: i64, time: u64) -> MetricPoint {
    MetricPoint {
        resource: resource("gateway"),
        scope: Arc::default(),
        name: name.into(),
        description: "".into(),
        unit: "1".into(),
        kind: MetricKind::Gauge,
        attributes: [(Arc::from("n"), Value::Int(series))].into_iter().collect::<Attributes>(),
        sample: Sample {
            start: 0,
            time,
            value: PointValue::Number(1.0),
            exemplars: Box::default(),
        },
    }
}

#[test]
fn samples_are_in_the_order_of_time() {
    let store = Store::default();
    store.add_points([5, 1, 3].into_iter().map(|time| point("queue", 0, time)).collect());
    let read = store.read();
    let (_, instrument) = read.instruments().next().unwrap();
    let times: Vec<_> = instrument.series[0].samples.iter().map(|sample| sample.time).collect();
    assert_eq!(times, [1, 3, 5]);
}

#[test]
fn metrics_are_limited_in_bytes_and_in_series() {
    let store = Store::new(1 << 18);
    for time in 0..10_000 {
        store.add_points(vec![point("queue", time as i64 % 3, time)]);
    }
    let usage = store.read().usage()[2];
    assert!(usage.bytes <= usage.limit && usage.entries > 10, "{usage:?}");
    assert_eq!(store.counters().metrics.evicted() + usage.entries as u64, 10_000);
    let many = (0..2_000).map(|number| point(&format!("m{number}"), 0, 1)).collect();
    store.add_points(many);
    let usage = store.read().usage()[2];
    assert!(usage.bytes <= usage.limit, "{usage:?}");
}

#[test]
fn subscribers_are_limited_and_a_slow_one_misses_the_oldest() {
    let store = Store::default();
    let mut first = store.subscribe().unwrap();
    let rest: Vec<_> = std::iter::from_fn(|| store.subscribe()).collect();
    assert_eq!(rest.len(), 63);
    drop(rest);
    assert!(store.subscribe().is_some());
    for _ in 0..2_000 {
        store.add_spans(vec![span("gateway", "GET /")]);
    }
    assert!(matches!(
        first.events.try_recv(),
        Err(tokio::sync::broadcast::error::TryRecvError::Lagged(976))
    ));
    assert!(matches!(first.events.try_recv(), Ok(LiveEvent::Request(_))));
}
