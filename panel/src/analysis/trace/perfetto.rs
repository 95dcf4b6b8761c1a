//! Conversion of traces into the Trace Event Format, for Perfetto and `chrome://tracing`.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value, json};

use crate::model::{Attributes, Nanos, Span, SpanId};

/// Maximum number of threads of a process. Further overlapping spans are on the last thread.
const MOST_THREADS: usize = 256;

/// Returns the JSON object of a trace. Each service is a process. Spans that overlap, but of which
/// neither contains the other, are on different threads. Calls between services are flows.
pub fn perfetto_json(spans: &[Arc<Span>]) -> String {
    let mut spans: Vec<&Span> = spans.iter().map(|span| &**span).collect();
    spans.sort_by_key(|span| (span.start, u64::MAX - span.duration()));
    let first = spans.first().map_or(0, |span| span.start);
    let mut processes = Processes::default();
    let mut events = Vec::with_capacity(spans.len());
    let mut places: BTreeMap<SpanId, Place> = BTreeMap::new();
    for span in spans {
        let place = processes.place(span);
        events.push(slice(span, place, first));
        let caller = span.parent.and_then(|parent| places.get(&parent));
        if let Some(caller) = caller.filter(|caller| caller.process != place.process) {
            events.extend(flow(span, *caller, place, first));
        }
        places.insert(span.id, place);
    }
    events.extend(processes.names());
    json!({ "displayTimeUnit": "ns", "traceEvents": events }).to_string()
}

#[derive(Clone, Copy)]
struct Place {
    process: usize,
    thread: usize,
}

#[derive(Default)]
struct Processes {
    services: BTreeMap<Arc<str>, usize>,
    /// Ends of the open spans, by process and thread.
    threads: Vec<Vec<Vec<Nanos>>>,
}

impl Processes {
    /// Returns the first thread on which the span is within an open span, or starts after all
    /// spans.
    fn place(&mut self, span: &Span) -> Place {
        let next = self.services.len();
        let process = *self.services.entry(Arc::clone(span.service())).or_insert(next);
        if process == self.threads.len() {
            self.threads.push(Vec::new());
        }
        let threads = &mut self.threads[process];
        for open in threads.iter_mut() {
            while open.last().is_some_and(|end| *end <= span.start) {
                open.pop();
            }
        }
        let fits = |open: &Vec<Nanos>| open.last().is_none_or(|end| span.end <= *end);
        let thread = threads.iter().position(fits);
        let thread = thread.unwrap_or(threads.len().min(MOST_THREADS - 1));
        if thread == threads.len() {
            threads.push(Vec::new());
        }
        threads[thread].push(span.end);
        Place { process, thread }
    }

    fn names(&self) -> impl Iterator<Item = Value> {
        self.services.iter().map(|(service, process)| {
            let args = json!({ "name": &**service });
            json!({ "ph": "M", "name": "process_name", "pid": process, "tid": 0, "args": args })
        })
    }
}

/// Returns the microseconds since the start of the trace.
fn micros(time: Nanos, first: Nanos) -> f64 {
    time.saturating_sub(first) as f64 / 1e3
}

fn slice(span: &Span, place: Place, first: Nanos) -> Value {
    let mut args = arguments(&span.attributes);
    args.insert("span_id".to_owned(), json!(span.id.to_string()));
    args.insert("trace_id".to_owned(), json!(span.trace_id.to_string()));
    json!({
        "ph": "X",
        "name": &*span.name,
        "cat": if span.is_error() { "span,error" } else { "span" },
        "pid": place.process,
        "tid": place.thread,
        "ts": micros(span.start, first),
        "dur": span.duration() as f64 / 1e3,
        "args": args,
    })
}

fn arguments(attributes: &Attributes) -> Map<String, Value> {
    attributes.iter().map(|(key, value)| (key.to_string(), json!(value.text()))).collect()
}

fn flow(span: &Span, caller: Place, place: Place, first: Nanos) -> [Value; 2] {
    let event = |phase: &str, place: Place| {
        json!({
            "ph": phase,
            "bp": "e",
            "name": "call",
            "cat": "call",
            "id": span.id.to_string(),
            "pid": place.process,
            "tid": place.thread,
            "ts": micros(span.start, first),
        })
    };
    [event("s", caller), event("f", place)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{child, span};

    fn at(mut span: Span, start: u64, end: u64) -> Arc<Span> {
        (span.start, span.end) = (start, end);
        Arc::new(span)
    }

    #[test]
    fn overlapping_spans_are_on_threads_of_their_own_and_calls_are_flows() {
        let root = at(span("gateway", "root"), 5_000, 105_000);
        let first = at(child(&root, "gateway", "first"), 10_000, 50_000);
        let second = at(child(&root, "gateway", "second"), 20_000, 60_000);
        let third = at(child(&root, "gateway", "third"), 60_000, 70_000);
        let call = at(child(&first, "stock", "call"), 11_000, 12_000);
        let json: Value =
            serde_json::from_str(&perfetto_json(&[call, third, second, first, root])).unwrap();
        let events = json["traceEvents"].as_array().unwrap();
        let slices: Vec<_> = events
            .iter()
            .filter(|event| event["ph"] == "X")
            .map(|it| {
                (it["name"].as_str().unwrap(), it["tid"].as_u64().unwrap(), it["ts"].as_f64())
            })
            .collect();
        let expected = [
            ("root", 0, Some(0.0)),
            ("first", 0, Some(5.0)),
            ("call", 0, Some(6.0)),
            ("second", 1, Some(15.0)),
            ("third", 0, Some(55.0)),
        ];
        assert_eq!(slices, expected);
        let flows: Vec<_> = events.iter().filter(|event| event["cat"] == "call").collect();
        assert_eq!((&flows[0]["ph"], &flows[1]["ph"]), (&json!("s"), &json!("f")));
        assert_ne!(flows[0]["pid"], flows[1]["pid"]);
        assert_eq!(events.iter().filter(|event| event["ph"] == "M").count(), 2);
    }
}
