//! This workspace, set up as in its README. No other part of this bench depends on the set-up.

use actix_middleware::Tracing;
use axum_layer::TracingLayer;
use tracing_core_ext::telemetry::Telemetry;

use super::{Export, Result};
use crate::{Framework, Site, actix, axum};

/// Installs the global providers and the global subscriber.
pub(super) fn installed(framework: Framework) -> Result<(Site, Box<dyn Export>)> {
    let telemetry = Telemetry::builder().install()?;
    Ok((site(framework), Box::new(telemetry)))
}

/// Installs the global providers, and no subscriber.
pub(super) fn built(framework: Framework) -> Result<(Site, Box<dyn Export>)> {
    let telemetry = Telemetry::builder().install_without_subscriber()?;
    Ok((site(framework), Box::new(telemetry)))
}

fn site(framework: Framework) -> Site {
    match framework {
        Framework::Actix => actix_site(Tracing::new()),
        _ => axum_site(TracingLayer::new()),
    }
}

fn axum_site(layer: TracingLayer) -> Site {
    axum::connected(|router| router.layer(layer))
}

fn actix_site(tracing: Tracing) -> Site {
    actix::connected(move || actix::app().wrap(tracing.clone()))
}

impl Export for Telemetry {
    fn flush(&self) -> Result<()> {
        Ok(self.tracer_provider().force_flush()?)
    }

    fn shutdown(self: Box<Self>) -> Result<()> {
        Ok(Telemetry::shutdown(*self)?)
    }
}
