use std::{
    fmt,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use opentelemetry::KeyValue;

use super::{
    instruments::{Instruments, Metrics, Sizes},
    labels::{self, EndLabels, RequestLabels},
};
use crate::http::ProtocolVersion;

/// One exchange, as it is measured.
pub(crate) struct Measured {
    instruments: Arc<Instruments>,
    request: RequestLabels,
    version: OnceLock<ProtocolVersion>,
    own_labels: Mutex<Vec<KeyValue>>,
    is_active: AtomicBool,
}

/// How long an exchange took and what passed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measurement {
    pub(crate) duration: Duration,
    pub(crate) request_size: u64,
    /// Where there was a response.
    pub(crate) response_size: Option<u64>,
}

impl Measured {
    /// An incoming request, in flight from now on.
    pub(crate) fn server(
        metrics: &Metrics,
        request: RequestLabels,
        version: Option<ProtocolVersion>,
    ) -> Self {
        let measured = Self::new(metrics.server(), request);
        if let Some(version) = version {
            measured.set_version(version);
        }
        measured.enter();
        measured
    }

    /// An outgoing request.
    pub(crate) fn client(metrics: &Metrics, request: RequestLabels) -> Self {
        Self::new(metrics.client(), request)
    }

    fn new(instruments: &Arc<Instruments>, request: RequestLabels) -> Self {
        Self {
            instruments: Arc::clone(instruments),
            request,
            version: OnceLock::new(),
            own_labels: Mutex::default(),
            is_active: AtomicBool::new(false),
        }
    }

    /// A client learns it with the response.
    pub(crate) fn set_version(&self, version: ProtocolVersion) {
        self.version.get_or_init(|| version);
    }

    /// Adds a label of the user's to the duration.
    pub(crate) fn set_label(&self, label: KeyValue) {
        labels::set(&mut self.own_labels.lock().unwrap_or_else(PoisonError::into_inner), label);
    }

    fn enter(&self) {
        if let Some(active) = &self.instruments.active {
            self.is_active.store(true, Ordering::Relaxed);
            active.add(1, &self.request.of_active());
        }
    }

    /// No longer in flight.
    fn leave(&self) {
        if self.is_active.swap(false, Ordering::Relaxed)
            && let Some(active) = &self.instruments.active
        {
            active.add(-1, &self.request.of_active());
        }
    }

    /// Records the end of the exchange.
    pub(crate) fn record(&self, measurement: Measurement, end: EndLabels<'_>) {
        self.leave();
        let end = EndLabels { version: self.version.get().copied(), ..end };
        labels::with_room(|labels| {
            self.request.put(&end, labels);
            if let Some(sizes) = &self.instruments.sizes {
                sizes.record(measurement, labels);
            }
            let mut own = self.own_labels.lock().unwrap_or_else(PoisonError::into_inner);
            own.drain(..).for_each(|label| labels::set(labels, label));
            self.instruments.duration.record(measurement.duration.as_secs_f64(), labels);
        });
    }
}

impl Sizes {
    fn record(&self, measurement: Measurement, labels: &[KeyValue]) {
        self.request.record(measurement.request_size, labels);
        if let Some(size) = measurement.response_size {
            self.response.record(size, labels);
        }
    }
}

/// What never came to its end, because making the span has panicked say, is not in flight either.
impl Drop for Measured {
    fn drop(&mut self) {
        self.leave();
    }
}

impl fmt::Debug for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Measured").field("request", &self.request).finish_non_exhaustive()
    }
}
