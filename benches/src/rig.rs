use opentelemetry_sdk::{metrics::SdkMeterProvider, trace::SdkTracerProvider};
use tracing::Dispatch;
use tracing_core_ext::exchange::{Builder, Instrumentation};

use crate::{Mode, telemetry};

/// What a service has set up before it builds its middleware.
pub(crate) struct Rig {
    pub(crate) mode: Mode,
    pub(crate) tracers: Option<SdkTracerProvider>,
    pub(crate) meters: Option<SdkMeterProvider>,
}

impl Rig {
    /// With nothing: the case it is the baseline of has the same process.
    pub(crate) const fn untraced(mode: Mode) -> Self {
        Self { mode, tracers: None, meters: None }
    }

    /// With global providers, for middleware that takes nothing else.
    pub(crate) fn new(mode: Mode) -> Self {
        let tracers = (mode != Mode::NoSdk).then(|| telemetry::install_tracers(mode.is_sampled()));
        let meters = (mode == Mode::Metrics).then(telemetry::install_meters);
        Self { mode, tracers, meters }
    }

    /// Gives what is set up to a builder of ours.
    pub(crate) fn equip<T: From<Instrumentation>>(&self, mut builder: Builder<T>) -> Builder<T> {
        if let Some(tracers) = &self.tracers {
            builder = builder.tracer_provider(tracers);
        }
        if let Some(meters) = &self.meters {
            builder = builder.meter_provider(meters);
        }
        builder
    }

    /// What ours needs only where `tracing` is listened to.
    pub(crate) fn subscriber_of_ours(&self) -> Option<Dispatch> {
        let tracers = self.tracers.as_ref().filter(|_| self.mode == Mode::Subscribed)?;
        Some(telemetry::subscriber_of_ours(tracers))
    }
}
