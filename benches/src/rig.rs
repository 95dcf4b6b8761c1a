use opentelemetry_sdk::{metrics::SdkMeterProvider, trace::SdkTracerProvider};
use tracing::Dispatch;
use tracing_core_ext::{
    exchange::{Builder, Instrumentation},
    propagation::Propagator,
    trace::TracerProvider,
};

use crate::{Mode, telemetry};

/// What a service has set up before it builds its middleware.
pub(crate) struct Rig {
    pub(crate) mode: Mode,
    /// Of everybody else.
    pub(crate) tracers: Option<SdkTracerProvider>,
    ours: Option<TracerProvider>,
    pub(crate) meters: Option<SdkMeterProvider>,
}

impl Rig {
    /// With nothing: the case it is the baseline of has the same process.
    pub(crate) const fn untraced(mode: Mode) -> Self {
        Self { mode, tracers: None, ours: None, meters: None }
    }

    /// With global providers, for middleware that takes nothing else.
    pub(crate) fn new(mode: Mode) -> Self {
        let has_sdk = mode != Mode::NoSdk;
        let tracers = has_sdk.then(|| telemetry::install_tracers(mode.is_sampled()));
        let ours = has_sdk.then(|| telemetry::provider_of_ours(mode.is_sampled()));
        let meters = (mode == Mode::Metrics).then(telemetry::install_meters);
        Self { mode, tracers, ours, meters }
    }

    /// Gives a builder of ours what it finds by itself after `Telemetry::install`. The global propagator is that of the others.
    pub(crate) fn equip<T: From<Instrumentation>>(&self, mut builder: Builder<T>) -> Builder<T> {
        if let Some(tracers) = &self.ours {
            builder = builder.tracer_provider(tracers).propagator(Propagator::w3c());
        }
        if let Some(meters) = &self.meters {
            builder = builder.meter_provider(meters);
        }
        builder
    }

    /// What ours needs only where `tracing` is listened to.
    pub(crate) fn subscriber_of_ours(&self) -> Option<Dispatch> {
        let tracers = self.ours.as_ref().filter(|_| self.mode == Mode::Subscribed)?;
        Some(telemetry::subscriber_of_ours(tracers))
    }
}
