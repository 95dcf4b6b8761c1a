//! Requests of the same operation, for the comparison with a trace.

use crate::{
    model::{Span, TraceId},
    store::{Request, Snapshot},
};

/// Request of the same operation as another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Reason for its selection: `fastest`, `typical` or `slowest`.
    pub label: &'static str,
    /// Trace of the request.
    pub trace_id: TraceId,
    /// Duration in nanoseconds.
    pub duration: u64,
}

/// Returns the fastest, the median and the slowest stored request of the operation of this span,
/// except requests of its own trace.
pub fn peers(snapshot: &Snapshot<'_>, root: &Span) -> Vec<Peer> {
    let (service, operation) = (root.service(), root.operation());
    let is_same = |request: &&Request| {
        let other = snapshot.operation(request.operation);
        request.trace_id != root.trace_id && other.service == *service && *other.name == operation
    };
    let mut requests: Vec<&Request> = snapshot.requests().filter(is_same).collect();
    requests.sort_by_key(|request| (request.duration, request.start));
    requests.retain(|request| snapshot.trace(request.trace_id).is_some());
    let last = requests.len().saturating_sub(1);
    let mut peers: Vec<Peer> = Vec::new();
    for (label, index) in [("fastest", 0), ("typical", last / 2), ("slowest", last)] {
        let Some(request) = requests.get(index) else { continue };
        if !peers.iter().any(|known| known.trace_id == request.trace_id) {
            let Request { trace_id, duration, .. } = **request;
            peers.push(Peer { label, trace_id, duration });
        }
    }
    peers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{store::Store, testing::span};

    #[test]
    fn the_fastest_the_median_and_the_slowest_of_the_operation_are_selected() {
        let store = Store::default();
        let mut spans: Vec<_> = (1..=5).map(|_| span("gateway", "GET /a")).collect();
        for (number, span) in spans.iter_mut().enumerate() {
            span.end = span.start + (number as u64 + 1) * 10;
        }
        spans.push(span("gateway", "GET /b"));
        let slowest = spans[4].clone();
        store.add_spans(spans);
        let read = store.read();
        let found = |root: &Span| -> Vec<(&str, u64)> {
            peers(&read, root).iter().map(|peer| (peer.label, peer.duration)).collect()
        };
        assert_eq!(found(&slowest), [("fastest", 10), ("typical", 20), ("slowest", 40)]);
        assert_eq!(found(&span("gateway", "GET /c")), []);
    }
}
