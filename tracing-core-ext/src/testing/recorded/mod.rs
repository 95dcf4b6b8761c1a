//! Telemetry that a test or a collector has received, and expectations of it.

pub(crate) mod notes;
pub(crate) mod receiver;
mod snapshot;
pub(crate) mod span;
pub(crate) mod store;
pub(crate) mod trace;
pub(crate) mod waiting;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use self::{
    span::EndedSpan,
    store::{State, Store, StoredSpan},
    trace::EndedTrace,
    waiting::Waiting,
};
use super::{
    conventions,
    logs::Logs,
    metrics::{Metric, MetricPoint, source::MetricSource},
    select::Selection,
    tree::{compare::Difference, report},
};

/// Spans, metrics and log records that have arrived: of a test in [`Traces`](super::Traces), of providers in a
/// [`Receiver`](super::Receiver), or of another process in a [`Collector`](super::Collector). Clones share them.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub(crate) store: Arc<Store>,
    pub(crate) timeout: Duration,
    pub(crate) metrics: MetricSource,
}

impl Recorded {
    /// Waits for the only trace: until there is one, and all of its spans have ended.
    ///
    /// # Panics
    ///
    /// If the deadline passes, or if there is more than one trace.
    #[track_caller]
    pub fn only(&self) -> Waiting<EndedTrace> {
        self.wait(1, |mut traces| traces.remove(0))
    }

    /// Waits for this number of traces, until all of their spans have ended. They are in the order of their starts.
    ///
    /// # Panics
    ///
    /// If the deadline passes, or if there are more traces.
    #[track_caller]
    pub fn wait_for(&self, count: usize) -> Waiting<Vec<EndedTrace>> {
        self.wait(count, |traces| traces)
    }

    #[track_caller]
    fn wait<T>(
        &self,
        count: usize,
        result: impl Fn(Vec<EndedTrace>) -> T + Send + 'static,
    ) -> Waiting<T> {
        let what = format!("{count} {}", if count == 1 { "trace" } else { "traces" });
        let too_many = format!("expected {what}");
        let ready = move |state: &State| {
            let traces = state.traces();
            if traces.len() > count {
                return Some(Err(format!("{too_many}, found {}", arrived(state))));
            }
            let is_complete = traces.len() == count
                && state.open_spans() == 0
                && traces.iter().all(|trace| orphan(trace).is_none());
            is_complete.then(|| Ok(result(traces.into_iter().map(EndedTrace::new).collect())))
        };
        let timeout = self.timeout;
        Waiting::new(&self.store, timeout, ready, move |state| late(state, &what, timeout))
    }

    /// Waits until this number of spans has ended, in any trace. They are in the order in which they ended.
    ///
    /// # Panics
    ///
    /// If the deadline passes, or if more spans have ended.
    #[track_caller]
    pub fn wait_for_spans(&self, count: usize) -> Waiting<Vec<EndedSpan>> {
        let ready = move |state: &State| {
            if state.spans.len() > count {
                return Some(Err(format!("expected {count} spans, found {}", arrived(state))));
            }
            (state.spans.len() == count)
                .then(|| Ok(state.spans.iter().map(EndedSpan::new).collect()))
        };
        let timeout = self.timeout;
        let what = format!("{count} ended spans");
        Waiting::new(&self.store, timeout, ready, move |state| late(state, &what, timeout))
    }

    /// Returns the spans that have ended until now, in the order in which they ended.
    pub fn ended_spans(&self) -> Vec<EndedSpan> {
        self.store.lock().spans.iter().map(EndedSpan::new).collect()
    }

    /// Returns the ended spans that `selector` selects, in all traces.
    ///
    /// | selector | spans |
    /// | --- | --- |
    /// | `client` | of a kind |
    /// | `"price"` | of a name |
    /// | `[item.id]` | with an attribute |
    /// | `[item.id=7]`, `[item.id="7"]` | with this value of an attribute; unquoted text is a boolean, a number or a string |
    /// | `:error` | whose status is an error |
    /// | `*` | all |
    /// | `server[http.route=/items/{id}]:error` | that meet all conditions |
    /// | `server > client` | directly below another |
    /// | `server client` | anywhere below another |
    ///
    /// ```
    /// # use tracing_core_ext::testing::Traces;
    /// # let traces = Traces::new();
    /// tracing::info_span!("price", item.id = 7).in_scope(|| {});
    /// let price = traces.select("internal[item.id=7]").only();
    /// assert!(price.duration().as_secs() < 1);
    /// ```
    ///
    /// # Panics
    ///
    /// If the selector is not valid.
    #[must_use = "nothing is compared yet"]
    #[track_caller]
    pub fn select(&self, selector: &str) -> Selection {
        let traces = self.store.lock().traces();
        Selection::new(selector, traces)
    }

    /// Returns the series of an instrument until now. A request is measured before its span ends, so wait for its trace
    /// first.
    #[must_use = "nothing is compared yet"]
    pub fn metric(&self, name: &str) -> Metric {
        let open_spans = self.store.lock().open_spans();
        Metric::new(name, self.metrics.points(), open_spans)
    }

    /// Returns the series of all instruments until now.
    pub fn metric_points(&self) -> Vec<MetricPoint> {
        self.metrics.points()
    }

    /// Returns the log records that have arrived until now: events of `tracing` up to DEBUG, and records of the crate
    /// `log` if they are forwarded to `tracing`.
    #[must_use = "nothing is compared yet"]
    pub fn logs(&self) -> Logs {
        Logs::new(&self.store)
    }

    /// Compares the spans that have ended, and the metrics, with the semantic conventions 1.44.0 of HTTP, RPC and
    /// messaging:
    ///
    /// - An attribute whose first part is that of a namespace of the conventions, such as `http` or `url`, is one of
    ///   them, is not deprecated, and has their type. Attributes of other namespaces are those of the service.
    /// - A value of an enumeration is one of its members, unless the conventions expect others.
    /// - Spans of servers, clients, producers and consumers have the required attributes, and `error.type` if they have
    ///   failed.
    /// - A metric of these namespaces is one of the conventions, with its instrument, its unit and the required labels.
    ///
    /// # Panics
    ///
    /// If anything differs.
    #[track_caller]
    pub fn follow_conventions(&self) {
        let traces = self.store.lock().traces();
        let of_spans = traces.iter().map(|spans| (spans, of_spans(spans)));
        let of_spans: Vec<_> =
            of_spans.filter(|(_, differences)| !differences.is_empty()).collect();
        let points = self.metrics.points();
        let of_metrics: BTreeSet<String> = points.iter().flat_map(conventions::of_metric).collect();
        if of_spans.is_empty() && of_metrics.is_empty() {
            return;
        }
        let of_spans =
            of_spans.iter().map(|(spans, differences)| report::marked(spans, differences));
        let report: String =
            of_spans.chain(of_metrics.iter().map(|it| format!("{it}\n"))).collect();
        panic!("the semantic conventions 1.44.0 are not followed\n{report}")
    }

    /// Returns the waterfalls of all traces for a snapshot: traces are numbered, and each start and end of a span is one
    /// millisecond after the one before.
    pub fn waterfall(&self) -> String {
        let traces = self.store.lock().traces();
        snapshot::normalised(&traces).iter().map(|spans| report::text(spans)).collect()
    }
}

fn of_spans(spans: &[StoredSpan]) -> Vec<Difference> {
    spans.iter().flat_map(conventions::of_span).collect()
}

/// Returns a span whose parent is in this process and has not arrived.
fn orphan(trace: &[StoredSpan]) -> Option<&StoredSpan> {
    let is_there = |span: &StoredSpan| {
        let parent = span.data.parent_span_id;
        let is_root = parent == opentelemetry::SpanId::INVALID;
        is_root || span.data.parent_span_is_remote || trace.iter().any(|other| other.id() == parent)
    };
    trace.iter().find(|span| !is_there(span))
}

/// Returns the message for the end of the time.
fn late(state: &State, what: &str, timeout: Duration) -> String {
    let mut message = format!("waited {timeout:?} for {what}, found {}", arrived(state));
    let traces = state.traces();
    for span in traces.iter().filter_map(|trace| orphan(trace)) {
        message.push_str(&format!("note: the parent of {:?} has not arrived\n", span.data.name));
    }
    message + &notes::about_missing()
}

/// Describes what has arrived.
fn arrived(state: &State) -> String {
    let traces = state.traces();
    let number = |count: usize, noun: &str| match count {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    };
    let found =
        format!("{} of {}", number(traces.len(), "trace"), number(state.spans.len(), "span"));
    let open = match state.open_spans() {
        0 => String::new(),
        1 => ", and 1 span that has not ended".to_owned(),
        open => format!(", and {open} spans that have not ended"),
    };
    format!("{found}{open}\n{}", report::all(&traces))
}
