//! Filter of log lines, which can be replaced while the service runs.

mod directives;

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError, Weak,
    atomic::{AtomicBool, Ordering},
};

use arc_swap::ArcSwap;
use tracing::{
    Metadata, Subscriber, callsite,
    span::{Attributes, Id, Record},
    subscriber::Interest,
};
use tracing_subscriber::{
    filter::LevelFilter,
    layer::{Context, Filter},
    registry::LookupSpan,
};

use self::directives::Directives;
use super::env::Env;
use crate::base::error::TelemetryError;

/// Filter of log lines with directives such as `info,my_service=debug`. Its [`LogFilterHandle`] replaces the directives.
#[derive(Debug)]
pub(crate) struct LogFilter {
    slot: Arc<Slot>,
    handle: LogFilterHandle,
}

/// Directives of the filter of one layer.
#[derive(Debug)]
struct Slot {
    directives: ArcSwap<Directives>,
    /// Whether the directives use spans. Otherwise spans cost no more than this flag.
    has_spans: AtomicBool,
}

/// Replaces the directives of a filter and of its duplicates.
#[derive(Clone, Debug)]
pub(crate) struct LogFilterHandle(Arc<Mutex<Filters>>);

/// All filters with the same directives.
#[derive(Debug)]
struct Filters {
    directives: Directives,
    slots: Vec<Weak<Slot>>,
}

impl LogFilter {
    /// # Errors
    ///
    /// If a directive is invalid. The error contains `setting`.
    pub(crate) fn parse(setting: &'static str, directives: String) -> Result<Self, TelemetryError> {
        Directives::parse(setting, directives).map(Self::new)
    }

    fn new(directives: Directives) -> Self {
        LogFilterHandle(Arc::new(Mutex::new(Filters { directives, slots: Vec::new() }))).filter()
    }

    /// Returns a filter for another layer, with the same directives and the same handle.
    pub(crate) fn duplicate(&self) -> Self {
        self.handle.filter()
    }

    pub(crate) fn handle(&self) -> LogFilterHandle {
        self.handle.clone()
    }
}

impl Default for LogFilter {
    fn default() -> Self {
        Self::new(Directives::default())
    }
}

impl LogFilterHandle {
    /// Returns a filter with these directives for one layer.
    pub(crate) fn filter(&self) -> LogFilter {
        let mut filters = self.filters();
        let slot = Arc::new(Slot::new(filters.directives.duplicate()));
        filters.slots.push(Arc::downgrade(&slot));
        LogFilter { slot, handle: self.clone() }
    }

    pub(crate) fn directives(&self) -> String {
        self.filters().directives.to_string()
    }

    /// Whether a layer has the filter.
    pub(crate) fn is_used(&self) -> bool {
        self.filters().slots.iter().any(|slot| slot.strong_count() > 0)
    }

    /// Returns the directives in the order in which they are compared.
    ///
    /// # Errors
    ///
    /// If a directive is invalid. The error contains `setting`.
    pub(crate) fn check(setting: &'static str, directives: &str) -> Result<String, TelemetryError> {
        Directives::parse(setting, directives.to_owned()).map(|it| it.to_string())
    }

    /// Replaces the directives. Invalid ones, which [`check`](Self::check) refuses, are ignored.
    ///
    /// A directive that selects events by their span applies to spans that start later.
    pub(crate) fn replace(&self, directives: &str) {
        let Ok(directives) = Directives::parse("", directives.to_owned()) else { return };
        let mut filters = self.filters();
        filters.slots.retain(|slot| slot.strong_count() > 0);
        let slots = filters.slots.iter().filter_map(Weak::upgrade);
        slots.for_each(|slot| slot.set(directives.duplicate()));
        filters.directives = directives;
        drop(filters);
        callsite::rebuild_interest_cache();
    }

    fn filters(&self) -> MutexGuard<'_, Filters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    fn new(directives: Directives) -> Self {
        let has_spans = AtomicBool::new(directives.has_spans());
        Self { directives: ArcSwap::from_pointee(directives), has_spans }
    }

    fn set(&self, directives: Directives) {
        let has_spans = directives.has_spans();
        self.directives.store(Arc::new(directives));
        self.has_spans.store(has_spans, Ordering::Release);
    }

    fn has_spans(&self) -> bool {
        self.has_spans.load(Ordering::Acquire)
    }
}

impl<S> Filter<S> for LogFilter
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn enabled(&self, metadata: &Metadata<'_>, cx: &Context<'_, S>) -> bool {
        self.slot.directives.load().enabled(metadata, cx)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        Filter::<S>::callsite_enabled(&**self.slot.directives.load(), metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Filter::<S>::max_level_hint(&**self.slot.directives.load())
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        if self.slot.has_spans() {
            self.slot.directives.load().on_new_span(attributes, id, cx);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, cx: Context<'_, S>) {
        if self.slot.has_spans() {
            self.slot.directives.load().on_record(id, values, cx);
        }
    }

    fn on_enter(&self, id: &Id, cx: Context<'_, S>) {
        if self.slot.has_spans() {
            self.slot.directives.load().on_enter(id, cx);
        }
    }

    fn on_exit(&self, id: &Id, cx: Context<'_, S>) {
        if self.slot.has_spans() {
            self.slot.directives.load().on_exit(id, cx);
        }
    }

    fn on_close(&self, id: Id, cx: Context<'_, S>) {
        if self.slot.has_spans() {
            self.slot.directives.load().on_close(id, cx);
        }
    }
}

impl Clone for LogFilter {
    fn clone(&self) -> Self {
        self.duplicate()
    }
}

impl Env {
    /// Reads `RUST_LOG`. Invalid directives are ignored with a warning.
    pub(super) fn log_filter(&self) -> Result<Option<LogFilter>, TelemetryError> {
        const VARIABLE: &str = "RUST_LOG";
        let Some(directives) = self.text(VARIABLE)? else { return Ok(None) };
        if let Ok(filter) = LogFilter::parse(VARIABLE, directives.clone()) {
            return Ok(Some(filter));
        }
        let mut valid = Vec::new();
        for directive in directives.split(',') {
            match LogFilter::parse(VARIABLE, directive.to_owned()) {
                Ok(_) => valid.push(directive),
                Err(error) => self.findings.ignore(error).map(|_: Option<()>| ())?,
            }
        }
        Ok(LogFilter::parse(VARIABLE, valid.join(",")).ok().filter(|_| !valid.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::{Layer, Registry, layer::SubscriberExt};

    use super::*;
    use crate::config::log_filter::directives::tests::Counter;

    #[test]
    fn directives_are_replaced_in_every_layer_of_a_subscriber() {
        let filter = LogFilter::default();
        let (handle, [first, second]) = (filter.handle(), [(); 2].map(|()| Counter::default()));
        let subscriber = Registry::default()
            .with(second.clone().with_filter(filter.duplicate()))
            .with(first.clone().with_filter(filter));
        let log = || {
            tracing::debug!("fine");
            tracing::info!("coarse");
            tracing::info_span!("order", item = 7).in_scope(|| tracing::debug!("inside"));
        };
        tracing::subscriber::with_default(subscriber, || {
            let mut before = 0;
            for (directives, passed) in
                [("info", 1), ("debug", 3), ("warn,[order]=debug", 1), ("off", 0), ("info", 1)]
            {
                handle.replace(directives);
                log();
                assert_eq!(first.count() - before, passed, "{directives}");
                assert_eq!(second.count(), first.count(), "{directives}");
                assert_eq!(handle.directives(), directives);
                before = first.count();
            }
            handle.replace("info,order=loud");
            assert_eq!(handle.directives(), "info", "invalid directives");
        });
    }

    #[test]
    fn a_filter_is_used_while_a_layer_has_it() {
        let filter = LogFilter::default();
        let handle = filter.handle();
        let subscriber = Registry::default().with(Counter::default().with_filter(filter));
        assert!(handle.is_used());
        drop(subscriber);
        assert!(!handle.is_used());
    }
}
