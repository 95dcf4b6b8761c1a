use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use opentelemetry_sdk::metrics::{Instrument, InstrumentKind};
use prometheus::proto::{MetricFamily, MetricType};

use super::notices::WarnOnce;
use crate::export::prometheus::format::{family_merge::sample_names, name};

/// Instruments created so far, by the names of their samples. The first instrument with a name is
/// exposed under it, in every scrape and in every process that creates the instruments in the same
/// order.
#[derive(Debug, Default)]
pub(crate) struct ExposedNames(Mutex<Names>);

#[derive(Debug, Default)]
struct Names {
    /// Instruments in the order of their creation.
    instruments: Vec<ExposedInstrument>,
    /// Position of the instrument that has taken a name.
    taken: HashMap<String, usize>,
}

/// Instrument with its identity in Prometheus and in OpenTelemetry. The SDK compares names
/// case-insensitively.
#[derive(Clone, Debug, PartialEq)]
struct ExposedInstrument {
    metric: String,
    name: String,
    unit: String,
    kind: InstrumentKind,
}

impl ExposedNames {
    /// Adds an instrument, and logs a warning if its samples have a name of another one. Returns
    /// the name of its metric.
    pub(crate) fn register(&self, instrument: &Instrument, notices: &WarnOnce) -> String {
        let new = ExposedInstrument::new(instrument);
        let metric = new.metric.clone();
        let mut names = self.names();
        match names.owner(&metric, new.metric_type()) {
            None => names.add(new),
            Some(first) if *first != new => {
                let (new, first) = (new.to_string(), first.to_string());
                drop(names);
                notices.name_conflict(&metric, &new, &first);
            }
            Some(_) => {}
        }
        metric
    }

    /// Returns the position of the instrument of `family`, or `None` if an earlier
    /// instrument has one of its names.
    pub(crate) fn position(&self, family: &MetricFamily) -> Option<usize> {
        let names = self.names();
        let (metric, kind) = (family.name(), family.get_field_type());
        match names.owner_position(metric, kind) {
            None => Some(names.instruments.len()),
            Some(at) => names.instruments[at].is(metric, kind).then_some(at),
        }
    }

    /// Returns the name of the instrument that has taken the name of a metric, or a name that is
    /// equal in OpenMetrics.
    pub(crate) fn named(&self, metric: &str) -> Option<String> {
        let names = self.names();
        let position = names.taken.get(metric).or_else(|| names.taken.get(name::base(metric)))?;
        Some(names.instruments[*position].name.clone())
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Names {
    fn add(&mut self, instrument: ExposedInstrument) {
        let position = self.instruments.len();
        for name in sample_names(&instrument.metric, instrument.metric_type()) {
            self.taken.insert(name, position);
        }
        self.instruments.push(instrument);
    }

    /// Returns the first instrument that has a name of this metric.
    fn owner(&self, metric: &str, kind: MetricType) -> Option<&ExposedInstrument> {
        self.owner_position(metric, kind).map(|position| &self.instruments[position])
    }

    fn owner_position(&self, metric: &str, kind: MetricType) -> Option<usize> {
        let names = sample_names(metric, kind);
        names.iter().filter_map(|name| self.taken.get(name).copied()).min()
    }
}

impl ExposedInstrument {
    fn new(instrument: &Instrument) -> Self {
        let (unit, kind) = (instrument.unit().to_owned(), instrument.kind());
        let metric = name::metric_name(instrument.name(), &unit, kind);
        Self { metric, name: instrument.name().to_lowercase(), unit, kind }
    }

    const fn metric_type(&self) -> MetricType {
        name::metric_type(self.kind)
    }

    fn is(&self, metric: &str, kind: MetricType) -> bool {
        self.metric == metric && self.metric_type() == kind
    }
}

impl fmt::Display for ExposedInstrument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, unit, kind, .. } = self;
        write!(f, "{name:?} ({kind:?}, unit {unit:?})")
    }
}
