use std::{
    thread,
    time::{Duration, Instant},
};

use benches::{
    Site,
    installed::{Export, Tracing},
};
use opentelemetry::{
    KeyValue,
    global::{self, BoxedTracer},
    trace::{Span, Tracer},
};

use crate::Result;

/// Spans between two flushes: one batch of the SDK's processor, whose queue has room for four.
pub(crate) const BATCH: usize = 512;

/// Spans per second at the rate that OpenTelemetry's specification defines.
pub(crate) const RATE: usize = 10_000;

/// Number of pauses in such a second.
const TICKS: usize = 100;

/// Attributes of the spans whose throughput is measured. Names and values have twenty characters.
const ATTRIBUTES: [(&str, &str); 10] = [
    ("attribute.name.no.00", "attribute value no 0"),
    ("attribute.name.no.01", "attribute value no 1"),
    ("attribute.name.no.02", "attribute value no 2"),
    ("attribute.name.no.03", "attribute value no 3"),
    ("attribute.name.no.04", "attribute value no 4"),
    ("attribute.name.no.05", "attribute value no 5"),
    ("attribute.name.no.06", "attribute value no 6"),
    ("attribute.name.no.07", "attribute value no 7"),
    ("attribute.name.no.08", "attribute value no 8"),
    ("attribute.name.no.09", "attribute value no 9"),
];

/// Work of a service, done in units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// A unit is a batch of requests whose spans are exported.
    Requests,
    /// A unit is a batch of spans with ten attributes, which are exported.
    Spans,
    /// A unit is a second in which 10,000 spans are created.
    Second,
}

impl Work {
    const ALL: [Self; 3] = [Self::Requests, Self::Spans, Self::Second];

    /// Parses the `Debug` output.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|work| format!("{work:?}") == name)
    }

    /// Spans of a unit.
    pub(crate) const fn spans(self, tracing: Tracing) -> usize {
        match self {
            Self::Requests => BATCH * tracing.spans(),
            Self::Spans => BATCH,
            Self::Second => RATE,
        }
    }

    /// Log records of a unit.
    pub(crate) const fn log_records(self, tracing: Tracing) -> usize {
        match self {
            Self::Requests => BATCH * tracing.log_records(),
            Self::Spans | Self::Second => 0,
        }
    }

    /// Returns a function that does one unit.
    pub(crate) fn unit<'a>(
        self,
        site: Site,
        export: &'a dyn Export,
    ) -> Box<dyn FnMut() -> Result<()> + 'a> {
        let tracer = global::tracer("benches");
        let mut driver = site.install().driver();
        match self {
            Self::Requests => Box::new(move || {
                driver.run(BATCH);
                export.flush()
            }),
            Self::Spans => Box::new(move || {
                (0..BATCH).for_each(|_| large_span(&tracer));
                export.flush()
            }),
            Self::Second => Box::new(move || {
                second(&tracer);
                Ok(())
            }),
        }
    }
}

fn second(tracer: &BoxedTracer) {
    let started = Instant::now();
    for tick in 1..=TICKS {
        (0..RATE / TICKS).for_each(|_| small_span(tracer));
        let end = started + Duration::from_secs(1) * tick as u32 / TICKS as u32;
        thread::sleep(end.saturating_duration_since(Instant::now()));
    }
}

fn small_span(tracer: &BoxedTracer) {
    span(tracer, vec![KeyValue::new("attribute", 7_i64)]);
}

fn large_span(tracer: &BoxedTracer) {
    span(tracer, ATTRIBUTES.map(|(name, value)| KeyValue::new(name, value)).to_vec());
}

fn span(tracer: &BoxedTracer, attributes: Vec<KeyValue>) {
    let mut span = tracer.span_builder("span").with_attributes(attributes).start(tracer);
    span.add_event("event", Vec::new());
    span.end();
}
