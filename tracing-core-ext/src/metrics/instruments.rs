use std::sync::{Arc, OnceLock};

use opentelemetry::{
    InstrumentationScope,
    metrics::{Histogram, Meter},
};

use super::{active_requests::ActiveRequests, duration::DurationHistogram};
use crate::semconv::names;

/// Boundaries of a size in bytes. The conventions recommend none, and those of the SDK end at 10,000.
const BYTES: [f64; 9] = [0.0, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// Instruments of both sides. Each is created for its first exchange, because an unused instrument costs memory.
pub(crate) struct Metrics {
    meter: Meter,
    scope: InstrumentationScope,
    has_body_sizes: bool,
    is_installed: bool,
    server: OnceLock<Arc<Instruments>>,
    client: OnceLock<Arc<Instruments>>,
}

/// Instruments of one side of an exchange.
pub(super) struct Instruments {
    pub(super) duration: DurationHistogram,
    pub(super) active: Option<ActiveRequests>,
    pub(super) sizes: Option<BodySizeHistograms>,
}

/// Histograms of the sizes of both bodies.
pub(super) struct BodySizeHistograms {
    pub(super) request: Histogram<u64>,
    pub(super) response: Histogram<u64>,
}

impl Metrics {
    /// Creates the instruments with `meter`, the meter of `scope`. `is_installed` states whether it is one of the
    /// installed provider.
    pub(crate) const fn new(
        meter: Meter,
        scope: InstrumentationScope,
        has_body_sizes: bool,
        is_installed: bool,
    ) -> Self {
        Self {
            meter,
            scope,
            has_body_sizes,
            is_installed,
            server: OnceLock::new(),
            client: OnceLock::new(),
        }
    }

    pub(super) fn server(&self) -> &Arc<Instruments> {
        self.server.get_or_init(|| {
            let sizes =
                [names::HTTP_SERVER_REQUEST_BODY_SIZE, names::HTTP_SERVER_RESPONSE_BODY_SIZE];
            Arc::new(Instruments {
                duration: self.durations(names::HTTP_SERVER_REQUEST_DURATION, "server"),
                active: Some(self.active_requests()),
                sizes: self.has_body_sizes.then(|| self.sizes(sizes, "server")),
            })
        })
    }

    pub(super) fn client(&self) -> &Arc<Instruments> {
        self.client.get_or_init(|| {
            let sizes =
                [names::HTTP_CLIENT_REQUEST_BODY_SIZE, names::HTTP_CLIENT_RESPONSE_BODY_SIZE];
            Arc::new(Instruments {
                duration: self.durations(names::HTTP_CLIENT_REQUEST_DURATION, "client"),
                active: None,
                sizes: self.has_body_sizes.then(|| self.sizes(sizes, "client")),
            })
        })
    }

    fn active_requests(&self) -> ActiveRequests {
        match self.is_installed {
            true => ActiveRequests::shared(&self.meter, self.scope.name()),
            false => ActiveRequests::new(&self.meter),
        }
    }

    fn durations(&self, name: &'static str, side: &str) -> DurationHistogram {
        DurationHistogram::new(&self.meter, &self.scope, name, side)
    }

    fn sizes(&self, [request, response]: [&'static str; 2], side: &str) -> BodySizeHistograms {
        let histogram = |name, what| {
            self.meter
                .u64_histogram(name)
                .with_unit("By")
                .with_description(format!("Size of HTTP {side} {what} bodies."))
                .with_boundaries(BYTES.into())
                .build()
        };
        BodySizeHistograms {
            request: histogram(request, "request"),
            response: histogram(response, "response"),
        }
    }
}
