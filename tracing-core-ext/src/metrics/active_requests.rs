#[cfg(feature = "bound-instruments")]
use opentelemetry::metrics::BoundUpDownCounter;
use opentelemetry::metrics::{Meter, UpDownCounter};

#[cfg(feature = "bound-instruments")]
use super::bound::{BoundSeries, StaticStr};
use crate::semconv::{labels::RequestLabels, names};

/// The count of requests in flight.
pub(super) struct ActiveRequests {
    counter: UpDownCounter<i64>,
    #[cfg(feature = "bound-instruments")]
    bound: Option<BoundSeries<[StaticStr; 2], BoundUpDownCounter<i64>>>,
}

impl ActiveRequests {
    /// `supports_binding` where the instruments of `meter` are the SDK's.
    pub(super) fn new(meter: &Meter, supports_binding: bool) -> Self {
        #[cfg(not(feature = "bound-instruments"))]
        let _ = supports_binding;
        Self {
            counter: meter
                .i64_up_down_counter(names::HTTP_SERVER_ACTIVE_REQUESTS)
                .with_unit("{request}")
                .with_description("Number of active HTTP server requests.")
                .build(),
            #[cfg(feature = "bound-instruments")]
            bound: supports_binding.then(|| BoundSeries::new(64)),
        }
    }

    pub(super) fn add(&self, value: i64, request: &RequestLabels) {
        #[cfg(feature = "bound-instruments")]
        if let Some(handle) = self.handle(request) {
            return handle.add(value);
        }
        self.counter.add(value, &request.of_active());
    }

    #[cfg(feature = "bound-instruments")]
    fn handle(&self, request: &RequestLabels) -> Option<&BoundUpDownCounter<i64>> {
        let key = [request.method, request.scheme.unwrap_or("")].map(StaticStr);
        self.bound.as_ref()?.handle(key, || self.counter.bind(&request.of_active()))
    }
}
