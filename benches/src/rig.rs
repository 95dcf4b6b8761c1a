use opentelemetry_sdk::{metrics::SdkMeterProvider, trace::SdkTracerProvider};
use tracing::Dispatch;
use tracing_core_ext::{
    exchange::{Builder, Instrumentation},
    propagation::Propagator,
    trace::{Sampler, TracerProvider},
};

use crate::{Mode, telemetry};

/// Set-up of a service before its middleware is built.
pub(crate) struct Rig {
    pub(crate) mode: Mode,
    /// Provider of the other crates.
    pub(crate) tracers: Option<SdkTracerProvider>,
    ours: Option<TracerProvider>,
    pub(crate) meters: Option<SdkMeterProvider>,
}

impl Rig {
    /// Returns a set-up without tracing. It runs in the same process as the case whose baseline it
    /// is.
    pub(crate) const fn untraced(mode: Mode) -> Self {
        Self { mode, tracers: None, ours: None, meters: None }
    }

    /// Returns a set-up with global providers, for middleware that has no other option.
    pub(crate) fn new(mode: Mode) -> Self {
        let has_sdk = mode != Mode::NoSdk;
        let tracers = has_sdk.then(|| telemetry::install_tracers(mode.is_sampled()));
        let ours = has_sdk.then(|| telemetry::provider_of_ours(mode.is_sampled()));
        let meters = (mode == Mode::Metrics).then(telemetry::install_meters);
        Self { mode, tracers, ours, meters }
    }

    /// Returns a set-up of this workspace with this sampler.
    pub(crate) fn sampled_by(&self, sampler: Sampler) -> Self {
        let ours = Some(telemetry::provider_sampled_by(sampler));
        Self { mode: self.mode, tracers: None, ours, meters: None }
    }

    /// Replaces the sampler of this workspace's provider at run time.
    pub(crate) fn replace_sampler(&self, sampler: Sampler) {
        if let Some(ours) = &self.ours {
            ours.set_sampler(sampler);
        }
    }

    /// Sets the providers of a builder of this workspace, which finds them itself after
    /// `Telemetry::install`. The global propagator is that of other crates.
    pub(crate) fn equip<T: From<Instrumentation>>(&self, mut builder: Builder<T>) -> Builder<T> {
        if let Some(tracers) = &self.ours {
            builder = builder.tracer_provider(tracers).propagator(Propagator::w3c());
        }
        if let Some(meters) = &self.meters {
            builder = builder.meter_provider(meters);
        }
        builder
    }

    /// Returns the subscriber that this workspace requires for `tracing` spans.
    pub(crate) fn subscriber_of_ours(&self) -> Option<Dispatch> {
        let tracers = self.ours.as_ref().filter(|_| self.mode == Mode::Subscribed)?;
        Some(telemetry::subscriber_of_ours(tracers))
    }
}
