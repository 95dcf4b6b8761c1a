//! The number of requests in flight, `http.server.active_requests`.

use std::sync::{
    Arc, Mutex, OnceLock, PoisonError, Weak,
    atomic::{AtomicI64, Ordering},
};

use opentelemetry::metrics::{AsyncInstrument, Meter, UpDownCounter};

use crate::semconv::{
    labels::{self, RequestLabels},
    names,
};

const DESCRIPTION: &str = "Number of active HTTP server requests.";
const UNIT: &str = "{request}";

/// Maximum number of combinations of method and scheme that are counted separately. Both have a fixed list of values;
/// the list of methods can be set by `OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS`. Later combinations share one place.
const PLACES: usize = 128;

/// The number of requests in flight.
pub(super) enum ActiveRequests {
    /// Counter that is incremented for every request, with a meter of any provider.
    Counter(UpDownCounter<i64>),
    /// Table that is read when metrics are collected, with a meter of the installed provider.
    Table(Arc<ActiveTable>),
}

/// Counts by method and scheme.
#[derive(Debug)]
pub(super) struct ActiveTable {
    places: Box<[OnceLock<Place>]>,
    overflow: OnceLock<Place>,
}

#[derive(Debug)]
struct Place {
    method: &'static str,
    scheme: &'static str,
    active: AtomicI64,
}

impl ActiveRequests {
    /// Counts with an instrument of `meter`.
    pub(super) fn new(meter: &Meter) -> Self {
        Self::Counter(
            meter
                .i64_up_down_counter(names::HTTP_SERVER_ACTIVE_REQUESTS)
                .with_unit(UNIT)
                .with_description(DESCRIPTION)
                .build(),
        )
    }

    /// Counts in a table that all middlewares of `scope` share, because an observable instrument keeps the value of
    /// only one callback. `meter` is one of the installed provider.
    pub(super) fn shared(meter: &Meter, scope: &str) -> Self {
        static TABLES: Mutex<Vec<(String, Arc<ActiveTable>)>> = Mutex::new(Vec::new());
        let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, table)) = tables.iter().find(|(known, _)| known == scope) {
            return Self::Table(Arc::clone(table));
        }
        let table = Arc::new(ActiveTable::new());
        table.register(meter);
        tables.push((scope.to_owned(), Arc::clone(&table)));
        Self::Table(table)
    }

    /// Adds `value` to the number of requests with these labels.
    #[inline]
    pub(super) fn add(&self, value: i64, request: &RequestLabels) {
        match self {
            Self::Counter(counter) => counter.add(value, &request.active_labels()),
            Self::Table(table) => table.add(value, request),
        }
    }
}

impl ActiveTable {
    fn new() -> Self {
        let places = (0..PLACES).map(|_| OnceLock::new()).collect();
        Self { places, overflow: OnceLock::new() }
    }

    fn register(self: &Arc<Self>, meter: &Meter) {
        let table: Weak<Self> = Arc::downgrade(self);
        meter
            .i64_observable_up_down_counter(names::HTTP_SERVER_ACTIVE_REQUESTS)
            .with_unit(UNIT)
            .with_description(DESCRIPTION)
            .with_callback(move |observer| {
                if let Some(table) = table.upgrade() {
                    table.observe(observer);
                }
            })
            .build();
    }

    #[inline]
    fn add(&self, value: i64, request: &RequestLabels) {
        self.place(request).active.fetch_add(value, Ordering::Relaxed);
    }

    /// Returns the place of these labels: the first one that has them or is free.
    #[inline]
    fn place(&self, request: &RequestLabels) -> &Place {
        let (method, scheme) = (request.method, request.scheme.unwrap_or(""));
        let mut places = self
            .places
            .iter()
            .map(|place| place.get_or_init(|| Place { method, scheme, active: AtomicI64::new(0) }));
        places
            .find(|place| place.method == method && place.scheme == scheme)
            .unwrap_or_else(|| self.overflow.get_or_init(Place::overflow))
    }

    fn observe(&self, observer: &dyn AsyncInstrument<i64>) {
        let places = self.places.iter().chain([&self.overflow]);
        for place in places.filter_map(OnceLock::get) {
            let labels = labels::active(place.method, place.scheme);
            observer.observe(place.active.load(Ordering::Relaxed), &labels);
        }
    }
}

impl Place {
    fn overflow() -> Self {
        Self { method: "_OTHER", scheme: "_OTHER", active: AtomicI64::new(0) }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::{InstrumentationScope, metrics::MeterProvider};
    use opentelemetry_sdk::metrics::{
        InMemoryMetricExporter, SdkMeterProvider,
        data::{AggregatedMetrics, MetricData},
    };

    use super::*;

    const fn request(method: &'static str) -> RequestLabels {
        RequestLabels { method, scheme: Some("http"), server: None, template: None }
    }

    fn counts(exporter: &InMemoryMetricExporter) -> Vec<(String, i64)> {
        let collected = exporter.get_finished_metrics().unwrap();
        let mut scopes = collected.last().unwrap().scope_metrics();
        let metric = scopes.next().unwrap().metrics().next().unwrap();
        let AggregatedMetrics::I64(MetricData::Sum(sum)) = metric.data() else { panic!("a sum") };
        assert!(!sum.is_monotonic());
        let count = |point: &opentelemetry_sdk::metrics::data::SumDataPoint<i64>| {
            let labels: Vec<_> = point.attributes().map(|it| it.value.to_string()).collect();
            (labels.join(" "), point.value())
        };
        let mut counts: Vec<_> = sum.data_points().map(count).collect();
        counts.sort();
        counts
    }

    #[test]
    fn middlewares_of_one_scope_count_together() {
        let exporter = InMemoryMetricExporter::default();
        let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
        let scope = "active_requests::tests::together";
        let meter = provider.meter_with_scope(InstrumentationScope::builder(scope).build());
        let [one, other] = [(); 2].map(|()| ActiveRequests::shared(&meter, scope));
        one.add(1, &request("GET"));
        other.add(1, &request("GET"));
        other.add(1, &request("POST"));
        provider.force_flush().unwrap();
        let expected = [("GET http".to_owned(), 2), ("POST http".to_owned(), 1)];
        assert_eq!(counts(&exporter), expected);
        other.add(-1, &request("GET"));
        one.add(-1, &request("POST"));
        provider.force_flush().unwrap();
        let expected = [("GET http".to_owned(), 1), ("POST http".to_owned(), 0)];
        assert_eq!(counts(&exporter), expected);
    }

    #[test]
    fn combinations_past_the_table_are_counted_together() {
        let table = ActiveTable::new();
        let methods = (0..PLACES + 2).map(|number| &*number.to_string().leak());
        methods.for_each(|method: &'static str| table.add(1, &request(method)));
        assert_eq!(table.overflow.get().unwrap().active.load(Ordering::Relaxed), 2);
    }
}
