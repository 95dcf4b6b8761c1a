use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use opentelemetry_sdk::metrics::{Instrument, InstrumentKind};

use super::{name, notices::WarnOnce};

/// The instruments made so far, by what the names they are exposed under have in common.
#[derive(Debug, Default)]
pub(super) struct ExposedNames(Mutex<HashMap<String, ExposedInstrument>>);

/// What tells an instrument from others of the same metric. The SDK takes names apart by no more than their letters.
#[derive(Clone, Debug, PartialEq)]
struct ExposedInstrument {
    metric: String,
    name: String,
    unit: String,
    kind: InstrumentKind,
}

impl ExposedNames {
    /// Tells of an instrument that is exposed under the name of another one. Answers that name.
    pub(super) fn register(&self, instrument: &Instrument, notices: &WarnOnce) -> String {
        let (unit, kind) = (instrument.unit().to_owned(), instrument.kind());
        let metric = name::metric_name(instrument.name(), &unit, kind);
        let name = instrument.name().to_lowercase();
        let seen = ExposedInstrument { metric: metric.to_lowercase(), name, unit, kind };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first = known.entry(name::base(&metric).to_owned()).or_insert_with(|| seen.clone());
        if *first != seen {
            notices.name_conflict(&metric, &seen.to_string(), &first.to_string());
        }
        metric
    }

    /// Whether no other instrument was exposed under this name, or one that clashes with it, before.
    pub(super) fn is_first(&self, metric: &str) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(name::base(metric)).is_none_or(|seen| seen.metric.eq_ignore_ascii_case(metric))
    }

    /// The instrument that is exposed under a name that clashes with this one.
    pub(super) fn named(&self, metric: &str) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(name::base(metric)).map(|seen| seen.name.clone())
    }
}

impl fmt::Display for ExposedInstrument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, unit, kind, .. } = self;
        write!(f, "{name:?} ({kind:?}, unit {unit:?})")
    }
}
