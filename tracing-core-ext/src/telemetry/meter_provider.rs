use std::{
    fmt,
    ops::Deref,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use opentelemetry::{
    InstrumentationScope,
    metrics::{
        AsyncInstrument, AsyncInstrumentBuilder, Callback, Counter, Gauge, Histogram,
        HistogramBuilder, InstrumentBuilder, InstrumentProvider, Meter, MeterProvider,
        ObservableCounter, ObservableGauge, ObservableUpDownCounter, UpDownCounter,
    },
};
use opentelemetry_sdk::metrics::SdkMeterProvider;

use crate::base::panic_message;

/// The meter provider of [`Telemetry`](crate::telemetry::Telemetry): the SDK's, in which callbacks
/// of observable instruments may panic.
///
/// The SDK calls them while it holds a lock, so that after a panic it would collect no metrics any
/// more. Measurements that a callback has observed before it panicked are kept. The first panic of
/// each instrument is logged, and with Prometheus each one is counted in
/// `otel_prometheus_skipped_total`.
#[derive(Clone, Debug)]
pub struct GuardedMeterProvider {
    provider: SdkMeterProvider,
    panics: Arc<AtomicU64>,
}

impl GuardedMeterProvider {
    /// Panics are counted in `panics`.
    pub(crate) fn new(provider: SdkMeterProvider, panics: Arc<AtomicU64>) -> Self {
        Self { provider, panics }
    }
}

/// To flush and shut down. Meters of the SDK's provider itself are not guarded.
impl Deref for GuardedMeterProvider {
    type Target = SdkMeterProvider;

    fn deref(&self) -> &SdkMeterProvider {
        &self.provider
    }
}

impl MeterProvider for GuardedMeterProvider {
    fn meter_with_scope(&self, scope: InstrumentationScope) -> Meter {
        let meter = self.provider.meter_with_scope(scope);
        Meter::new(Arc::new(GuardedMeter { meter, panics: Arc::clone(&self.panics) }))
    }
}

struct GuardedMeter {
    meter: Meter,
    panics: Arc<AtomicU64>,
}

/// Builds an instrument as `builder` describes it.
macro_rules! instruments {
    ($($name:ident: $instrument:ty),* $(,)?) => {
        $(fn $name(&self, builder: InstrumentBuilder<'_, $instrument>) -> $instrument {
            let mut inner = self.meter.$name(builder.name);
            inner.description = builder.description;
            inner.unit = builder.unit;
            inner.build()
        })*
    };
}

macro_rules! histograms {
    ($($name:ident: $value:ty),* $(,)?) => {
        $(fn $name(&self, builder: HistogramBuilder<'_, Histogram<$value>>) -> Histogram<$value> {
            let mut inner = self.meter.$name(builder.name);
            inner.description = builder.description;
            inner.unit = builder.unit;
            inner.boundaries = builder.boundaries;
            inner.build()
        })*
    };
}

macro_rules! observable_instruments {
    ($($name:ident: $instrument:ty, $value:ty);* $(;)?) => {
        $(fn $name(
            &self,
            builder: AsyncInstrumentBuilder<'_, $instrument, $value>,
        ) -> $instrument {
            let mut inner = self.meter.$name(builder.name.clone());
            inner.description = builder.description;
            inner.unit = builder.unit;
            let guard = |callback| guarded(&builder.name, callback, &self.panics);
            inner.callbacks = builder.callbacks.into_iter().map(guard).collect();
            inner.build()
        })*
    };
}

impl InstrumentProvider for GuardedMeter {
    instruments! {
        u64_counter: Counter<u64>,
        f64_counter: Counter<f64>,
        i64_up_down_counter: UpDownCounter<i64>,
        f64_up_down_counter: UpDownCounter<f64>,
        u64_gauge: Gauge<u64>,
        i64_gauge: Gauge<i64>,
        f64_gauge: Gauge<f64>,
    }

    histograms! {
        f64_histogram: f64,
        u64_histogram: u64,
    }

    observable_instruments! {
        u64_observable_counter: ObservableCounter<u64>, u64;
        f64_observable_counter: ObservableCounter<f64>, f64;
        i64_observable_up_down_counter: ObservableUpDownCounter<i64>, i64;
        f64_observable_up_down_counter: ObservableUpDownCounter<f64>, f64;
        u64_observable_gauge: ObservableGauge<u64>, u64;
        i64_observable_gauge: ObservableGauge<i64>, i64;
        f64_observable_gauge: ObservableGauge<f64>, f64;
    }
}

fn guarded<T: 'static>(name: &str, callback: Callback<T>, panics: &Arc<AtomicU64>) -> Callback<T> {
    let (name, panics, is_logged) = (name.to_owned(), Arc::clone(panics), AtomicBool::new(false));
    Box::new(move |observer: &dyn AsyncInstrument<T>| {
        let Err(panic) = catch_unwind(AssertUnwindSafe(|| callback(observer))) else { return };
        panics.fetch_add(1, Ordering::Relaxed);
        if !is_logged.swap(true, Ordering::Relaxed) {
            log_panic(&name, panic_message(&*panic).unwrap_or("no message"));
        }
    })
}

/// Logs the panic of a callback. The log writer may panic as well.
fn log_panic(instrument: &str, reason: &str) {
    let _ = catch_unwind(|| {
        tracing::warn!(
            "the callback of the instrument {instrument:?} panicked, its measurements are left out: {reason}"
        );
    });
}

impl fmt::Debug for GuardedMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GuardedMeter(..)")
    }
}
