//! Services and the calls between them.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use super::overview::{Window, percentile};
use crate::{
    model::{Kind, Span, SpanId},
    store::{Snapshot, Trace},
};

/// Maximum number of spans that are read.
const MOST_SPANS: usize = 300_000;

/// Services and calls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map {
    /// Services and the other systems that they call, by name.
    pub nodes: Vec<Node>,
    /// Calls, by caller and callee.
    pub edges: Vec<Edge>,
}

/// Service, or another system that services call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Name.
    pub name: String,
    /// Whether the system sends no telemetry itself.
    pub external: bool,
    /// Number of calls before this service in the longest chain, for drawing.
    pub layer: usize,
    /// Number of spans that failed in the service.
    pub failed: usize,
    /// Number of spans of the service.
    pub spans: usize,
}

/// Calls from one service to another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// Caller.
    pub from: String,
    /// Callee.
    pub to: String,
    /// Number of calls.
    pub count: usize,
    /// Number of failed calls.
    pub failed: usize,
    /// Calls per second.
    pub rate: f64,
    /// Percentiles of the duration: 50, 95, 99, in nanoseconds.
    pub percentiles: [u64; 3],
}

/// Durations of calls and the number of failed ones.
type Calls = (Vec<u64>, usize);

#[derive(Default)]
struct Builder {
    nodes: BTreeMap<Arc<str>, Node>,
    calls: BTreeMap<(Arc<str>, Arc<str>), Calls>,
}

/// Finds the calls in the traces of this window, newest first.
pub fn service_map(snapshot: &Snapshot<'_>, window: Window) -> Map {
    let mut builder = Builder::default();
    let mut read = 0;
    for trace in snapshot.traces().filter(|trace| window.contains(trace.start())) {
        builder.add(trace);
        read += trace.spans().len();
        if read > MOST_SPANS {
            break;
        }
    }
    builder.finish(window.seconds())
}

impl Builder {
    fn add(&mut self, trace: &Trace) {
        let spans: HashMap<SpanId, &Arc<Span>> =
            trace.spans().iter().map(|span| (span.id, span)).collect();
        let parent = |span: &Span| span.parent.and_then(|id| spans.get(&id)).copied();
        let answered: HashSet<SpanId> = trace
            .spans()
            .iter()
            .filter(|span| parent(span).is_some_and(|parent| parent.service() != span.service()))
            .filter_map(|span| span.parent)
            .collect();
        for span in trace.spans() {
            self.count(span.service(), false, span.is_error());
            let caller = parent(span).filter(|parent| parent.service() != span.service());
            if let Some(caller) = caller {
                self.call(caller.service(), span.service(), span);
            } else if let Some(name) = external(span).filter(|_| !answered.contains(&span.id)) {
                let name: Arc<str> = name.into();
                self.count(&name, true, span.is_error());
                self.call(span.service(), &name, span);
            }
        }
    }

    fn count(&mut self, name: &Arc<str>, external: bool, failed: bool) {
        let node = self.nodes.entry(Arc::clone(name)).or_insert_with(|| Node {
            name: name.to_string(),
            external,
            layer: 0,
            failed: 0,
            spans: 0,
        });
        node.external &= external;
        node.spans += 1;
        node.failed += usize::from(failed);
    }

    fn call(&mut self, from: &Arc<str>, to: &Arc<str>, span: &Span) {
        let (durations, failed) = self.calls.entry((Arc::clone(from), Arc::clone(to))).or_default();
        durations.push(span.duration());
        *failed += usize::from(span.is_error());
    }

    fn finish(self, seconds: f64) -> Map {
        let edge = |((from, to), (mut durations, failed)): ((Arc<str>, Arc<str>), Calls)| {
            durations.sort_unstable();
            Edge {
                from: from.to_string(),
                to: to.to_string(),
                count: durations.len(),
                failed,
                rate: durations.len() as f64 / seconds,
                percentiles: [0.5, 0.95, 0.99].map(|quantile| percentile(&durations, quantile)),
            }
        };
        let edges: Vec<Edge> = self.calls.into_iter().map(edge).collect();
        let mut nodes: Vec<Node> = self.nodes.into_values().collect();
        set_layers(&mut nodes, &edges);
        Map { nodes, edges }
    }
}

/// Returns the name of the system that a client span calls, from its attributes.
fn external(span: &Span) -> Option<String> {
    if !matches!(span.kind, Kind::Client | Kind::Producer) {
        return None;
    }
    let keys =
        ["peer.service", "db.system.name", "db.system", "messaging.system", "server.address"];
    keys.iter().find_map(|key| span.attributes.text(key)).map(|name| name.into_owned())
}

/// Sets the layer of each node to the length of the longest chain of calls before it. Cycles are
/// followed for at most as many steps as there are nodes.
fn set_layers(nodes: &mut [Node], edges: &[Edge]) {
    let indexes: HashMap<String, usize> =
        nodes.iter().enumerate().map(|(index, node)| (node.name.clone(), index)).collect();
    for _ in 0..nodes.len().min(16) {
        for edge in edges.iter().filter(|edge| edge.from != edge.to) {
            let below = nodes[indexes[&edge.from]].layer + 1;
            let node = &mut nodes[indexes[&edge.to]];
            node.layer = node.layer.max(below).min(16);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::Value,
        store::Store,
        testing::{child, span},
    };

    #[test]
    fn calls_lead_to_services_and_to_systems_without_telemetry() {
        let store = Store::default();
        let root = span("gateway", "GET /");
        let mut call = child(&root, "gateway", "GET");
        call.kind = Kind::Client;
        call.attributes =
            [(Arc::from("server.address"), Value::Text("10.0.0.1".into()))].into_iter().collect();
        let served = child(&call, "pricing", "GET /prices");
        let mut query = child(&served, "pricing", "SELECT");
        query.kind = Kind::Client;
        query.attributes =
            [(Arc::from("db.system.name"), Value::Text("postgresql".into()))].into_iter().collect();
        store.add_spans(vec![root, call, served, query]);
        let map = service_map(&store.read(), Window::all());
        let edges: Vec<_> =
            map.edges.iter().map(|edge| (&*edge.from, &*edge.to, edge.count)).collect();
        assert_eq!(edges, [("gateway", "pricing", 1), ("pricing", "postgresql", 1)]);
        let nodes: Vec<_> =
            map.nodes.iter().map(|node| (&*node.name, node.external, node.layer)).collect();
        let expected = [("gateway", false, 0), ("postgresql", true, 2), ("pricing", false, 1)];
        assert_eq!(nodes, expected);
    }
}
