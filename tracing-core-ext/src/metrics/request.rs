use std::{
    fmt,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use opentelemetry::{KeyValue, trace::SpanContext};

use super::instruments::{BodySizeHistograms, Instruments, Metrics};
use crate::{
    http::ProtocolVersion,
    semconv::labels::{self, EndLabels, RequestLabels},
};

/// Metrics of one exchange.
pub(crate) struct RequestMetrics {
    instruments: Arc<Instruments>,
    request: RequestLabels,
    version: OnceLock<ProtocolVersion>,
    user_attributes: Mutex<Vec<KeyValue>>,
    is_active: AtomicBool,
}

/// Duration of an exchange, and sizes of its bodies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measurement {
    pub(crate) duration: Duration,
    /// Size of the request body, if it is known.
    pub(crate) request_size: Option<u64>,
    /// Size of the response body, if it is known and if there was a response.
    pub(crate) response_size: Option<u64>,
}

impl RequestMetrics {
    /// Starts the metrics of an incoming request, which is in flight from now on.
    pub(crate) fn server(
        metrics: &Metrics,
        request: RequestLabels,
        version: Option<ProtocolVersion>,
    ) -> Self {
        let measured = Self::new(metrics.server(), request);
        if let Some(version) = version {
            measured.set_version(version);
        }
        measured.increment();
        measured
    }

    /// Starts the metrics of an outgoing request.
    pub(crate) fn client(metrics: &Metrics, request: RequestLabels) -> Self {
        Self::new(metrics.client(), request)
    }

    fn new(instruments: &Arc<Instruments>, request: RequestLabels) -> Self {
        Self {
            instruments: Arc::clone(instruments),
            request,
            version: OnceLock::new(),
            user_attributes: Mutex::default(),
            is_active: AtomicBool::new(false),
        }
    }

    /// Sets the version of HTTP, which a client reads from the response.
    pub(crate) fn set_version(&self, version: ProtocolVersion) {
        self.version.get_or_init(|| version);
    }

    /// Adds a custom label to the duration.
    pub(crate) fn set_label(&self, label: KeyValue) {
        labels::set(
            &mut self.user_attributes.lock().unwrap_or_else(PoisonError::into_inner),
            label,
        );
    }

    fn increment(&self) {
        if let Some(active) = &self.instruments.active {
            self.is_active.store(true, Ordering::Relaxed);
            active.add(1, &self.request);
        }
    }

    /// Removes the request from those in flight.
    fn decrement(&self) {
        if self.is_active.swap(false, Ordering::Relaxed)
            && let Some(active) = &self.instruments.active
        {
            active.add(-1, &self.request);
        }
    }

    /// Records the end of the exchange whose span is `span`.
    pub(crate) fn record(
        &self,
        measurement: Measurement,
        end: EndLabels<'_>,
        span: &SpanContext,
        ended: impl FnOnce() -> SystemTime,
    ) {
        self.decrement();
        let end = EndLabels { version: self.version.get().copied(), ..end };
        let Instruments { duration, sizes, .. } = &*self.instruments;
        let mut own = self.user_attributes.lock().unwrap_or_else(PoisonError::into_inner);
        labels::with_scratch(|labels| {
            self.request.push(&end, labels);
            if let Some(sizes) = sizes {
                sizes.record(measurement, labels);
            }
            own.drain(..).for_each(|label| labels::set(labels, label));
            duration.record(measurement.duration, labels, span, ended);
        });
    }
}

impl BodySizeHistograms {
    fn record(&self, measurement: Measurement, labels: &[KeyValue]) {
        if let Some(size) = measurement.request_size {
            self.request.record(size, labels);
        }
        if let Some(size) = measurement.response_size {
            self.response.record(size, labels);
        }
    }
}

/// Removes a request that never ended from those in flight, such as one for which the creation of the span panicked.
impl Drop for RequestMetrics {
    fn drop(&mut self) {
        self.decrement();
    }
}

impl fmt::Debug for RequestMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestMetrics").field("request", &self.request).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use opentelemetry::{InstrumentationScope, metrics::MeterProvider};
    use opentelemetry_sdk::metrics::{
        InMemoryMetricExporter, SdkMeterProvider,
        data::{AggregatedMetrics, MetricData},
    };

    use super::*;

    fn provider() -> (SdkMeterProvider, InMemoryMetricExporter) {
        let exporter = InMemoryMetricExporter::default();
        (SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build(), exporter)
    }

    fn metrics(provider: &SdkMeterProvider, has_body_sizes: bool) -> Metrics {
        let scope = InstrumentationScope::builder("tests").build();
        Metrics::new(provider.meter_with_scope(scope.clone()), scope, has_body_sizes, false)
    }

    fn request() -> RequestLabels {
        let server = Some(("shop.example".into(), Some(80)));
        RequestLabels { method: "GET", scheme: Some("http"), server, template: None }
    }

    fn exchange(metrics: &Metrics, error_type: Option<&Cow<'static, str>>) {
        let measured = RequestMetrics::server(metrics, request(), Some(ProtocolVersion::Http11));
        let duration = Duration::from_millis(7);
        let (status, route) = (Some(200), Some("/items/{id}"));
        measured.record(
            Measurement { duration, request_size: Some(3), response_size: Some(5) },
            EndLabels { status, route, error_type, version: None },
            &SpanContext::NONE,
            SystemTime::now,
        );
    }

    #[test]
    fn a_warm_series_allocates_nothing() {
        let (provider, _exporter) = provider();
        let metrics = metrics(&provider, true);
        let errors = [None, Some(Cow::Borrowed("503"))];
        let all = || errors.iter().for_each(|it| exchange(&metrics, it.as_ref()));
        all();

        let allocated = allocation_counter::measure(all);

        assert_eq!(allocated.count_total, 0);
    }

    #[test]
    fn what_is_dropped_before_its_end_is_no_longer_in_flight() {
        let (provider, exporter) = provider();
        let metrics = metrics(&provider, false);

        drop(RequestMetrics::server(&metrics, request(), None));

        provider.force_flush().unwrap();
        let collected = exporter.get_finished_metrics().unwrap();
        let mut scopes = collected[0].scope_metrics();
        let mut instruments = scopes.next().unwrap().metrics();
        let AggregatedMetrics::I64(MetricData::Sum(active)) = instruments.next().unwrap().data()
        else {
            panic!("a counter");
        };
        assert_eq!(active.data_points().map(|it| it.value()).collect::<Vec<_>>(), [0]);
        assert!(instruments.next().is_none(), "nothing is recorded");
    }

    #[test]
    fn a_label_of_the_users_takes_the_place_of_another() {
        let mut all = vec![KeyValue::new("a", 1), KeyValue::new("b", 2)];
        labels::set(&mut all, KeyValue::new("a", 3));
        labels::set(&mut all, KeyValue::new("c", 4));
        let expected = [KeyValue::new("a", 3), KeyValue::new("b", 2), KeyValue::new("c", 4)];
        assert_eq!(all, expected);
    }
}
