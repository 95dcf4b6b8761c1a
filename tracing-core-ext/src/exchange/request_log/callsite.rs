//! Callsites with fields that are chosen at run time.
//!
//! The macros of `tracing` fix the fields of an event at compile time. A request log has fields for the attributes that
//! the service selects, so its callsites are made when the middleware is built. They are never freed, as `tracing`
//! requires, and there is one for each level and set of fields.

use std::sync::{
    Mutex, OnceLock, PoisonError,
    atomic::{AtomicU8, Ordering},
};

use tracing::{
    Event, Level, Metadata, callsite,
    callsite::{Callsite, Identifier},
    dispatcher,
    field::{FieldSet, Value},
    level_filters::LevelFilter,
    metadata::Kind,
    subscriber::Interest,
};

use crate::bridge::request_attributes::REQUEST_LOG;

/// Levels of `tracing`, each of which requires a callsite.
const LEVELS: [Level; 5] = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];

/// Callsites of events with the same fields, one for each level.
#[derive(Debug)]
pub(super) struct Callsites {
    fields: &'static [&'static str],
    levels: [LogCallsite; LEVELS.len()],
}

impl Callsites {
    /// Returns the callsites whose events have these fields, each once.
    pub(super) fn with_fields(fields: &[&str]) -> &'static Self {
        static ALL: Mutex<Vec<&'static Callsites>> = Mutex::new(Vec::new());
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.iter().find(|known| known.fields == fields) {
            return known;
        }
        let new = Self::leak(fields);
        all.push(new);
        new
    }

    fn leak(fields: &[&str]) -> &'static Self {
        let names = fields.iter().map(|name| &*Box::leak(Box::<str>::from(*name)));
        let fields: &'static [&'static str] = Vec::leak(names.collect());
        let levels = [const { LogCallsite::new() }; LEVELS.len()];
        let all: &'static Self = Box::leak(Box::new(Self { fields, levels }));
        for (site, level) in all.levels.iter().zip(LEVELS) {
            site.register(level, fields);
        }
        all
    }

    /// Returns the callsite of `level`, if the current subscriber is interested in it.
    pub(super) fn enabled(&'static self, level: Level) -> Option<&'static Metadata<'static>> {
        if level > LevelFilter::current() {
            return None;
        }
        let site = &self.levels[LEVELS.iter().position(|it| *it == level)?];
        let metadata = site.metadata.get()?;
        let is_enabled = match site.interest.load(Ordering::Relaxed) {
            NEVER => false,
            ALWAYS => true,
            _ => dispatcher::get_default(|dispatch| dispatch.enabled(metadata)),
        };
        is_enabled.then_some(metadata)
    }
}

/// Writes an event with a value for each field; `None` is an absent field.
pub(super) fn write(metadata: &'static Metadata<'static>, values: &[Option<&dyn Value>]) {
    Event::dispatch(metadata, &metadata.fields().value_set_all(values));
}

/// Name of the events, which OpenTelemetry's log records have too.
const NAME: &str = "tracing_core_ext.request";

const NEVER: u8 = 0;
const SOMETIMES: u8 = 1;
const ALWAYS: u8 = 2;

#[derive(Debug)]
struct LogCallsite {
    interest: AtomicU8,
    metadata: OnceLock<Metadata<'static>>,
}

impl LogCallsite {
    const fn new() -> Self {
        Self { interest: AtomicU8::new(SOMETIMES), metadata: OnceLock::new() }
    }

    fn register(&'static self, level: Level, fields: &'static [&'static str]) {
        self.metadata.get_or_init(|| {
            let fields = FieldSet::new(fields, Identifier(self));
            let module = Some(module_path!());
            Metadata::new(NAME, REQUEST_LOG, level, None, None, module, fields, Kind::EVENT)
        });
        callsite::register(self);
    }
}

impl Callsite for LogCallsite {
    fn set_interest(&self, interest: Interest) {
        let interest = match interest {
            _ if interest.is_never() => NEVER,
            _ if interest.is_always() => ALWAYS,
            _ => SOMETIMES,
        };
        self.interest.store(interest, Ordering::Relaxed);
    }

    /// # Panics
    ///
    /// Never, because a callsite is registered after its metadata was set.
    fn metadata(&self) -> &Metadata<'_> {
        self.metadata.get().expect("a registered callsite has metadata")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_fields_share_their_callsites() {
        let first = Callsites::with_fields(&["message", "tests.one"]);
        assert!(std::ptr::eq(first, Callsites::with_fields(&["message", "tests.one"])));
        assert!(!std::ptr::eq(first, Callsites::with_fields(&["message", "tests.two"])));
    }
}
