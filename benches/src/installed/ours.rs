//! This workspace, set up as its README shows. Nothing else in this bench depends on how that is done.

use actix_middleware::Tracing;
use axum_layer::TracingLayer;
use tracing::callsite;
use tracing_core_ext::{
    exchange::{Builder, Instrumentation},
    telemetry::Telemetry,
};

use super::{Export, Result};
use crate::{Framework, Site, actix, axum};

/// Uses the global providers and the global subscriber.
pub(super) fn installed(framework: Framework) -> Result<(Site, Box<dyn Export>)> {
    let telemetry = Telemetry::builder().install()?;
    let site = match framework {
        Framework::Actix => actix_site(Tracing::new()),
        _ => axum_site(TracingLayer::new()),
    };
    Ok((site, Box::new(telemetry)))
}

/// Uses the provider directly, and no subscriber.
pub(super) fn built(framework: Framework) -> Result<(Site, Box<dyn Export>)> {
    let (telemetry, subscriber) = Telemetry::builder().build()?;
    drop(subscriber);
    // Else `tracing` notices at some time, or never, that the subscriber is gone: counts would differ by 2 %.
    callsite::rebuild_interest_cache();
    let site = match framework {
        Framework::Actix => actix_site(equipped(Tracing::builder(), &telemetry)),
        _ => axum_site(equipped(TracingLayer::builder(), &telemetry)),
    };
    Ok((site, Box::new(telemetry)))
}

fn axum_site(layer: TracingLayer) -> Site {
    axum::connected(|router| router.layer(layer))
}

fn actix_site(tracing: Tracing) -> Site {
    actix::connected(move || actix::app().wrap(tracing.clone()))
}

fn equipped<T: From<Instrumentation>>(builder: Builder<T>, telemetry: &Telemetry) -> T {
    let builder = builder.tracer_provider(telemetry.tracer_provider());
    builder.propagator(telemetry.propagator().clone()).build()
}

impl Export for Telemetry {
    fn flush(&self) -> Result<()> {
        Ok(self.tracer_provider().force_flush()?)
    }

    fn shutdown(self: Box<Self>) -> Result<()> {
        Ok(Telemetry::shutdown(*self)?)
    }
}
