//! This workspace, set up as in its README. No other part of this bench depends on the set-up.

use ::axum::{extract::Request, middleware::map_request};
use actix_web::dev::{Service, ServiceRequest};
use tracing_actix_middleware::Tracing;
use tracing_axum_layer::TracingLayer;
use tracing_core_ext::telemetry::Telemetry;

use super::{Export, Result};
use crate::{
    Framework, Site,
    servers::{actix, axum},
};

/// Installs the global providers and the global subscriber.
pub(super) fn installed(framework: Framework) -> Result<(Site, Box<dyn Export>)> {
    let telemetry = Telemetry::builder().install()?;
    Ok((site(framework), Box::new(telemetry)))
}

/// Installs the global providers and the global subscriber, which exports log records.
pub(super) fn installed_with_logs(framework: Framework) -> Result<(Site, Box<dyn Export>)> {
    let telemetry = Telemetry::builder().otlp_logs().install()?;
    let site = match framework {
        Framework::Actix => {
            let tracing = Tracing::new();
            actix::connected(move || actix::app().wrap_fn(with_event).wrap(tracing.clone()))
        }
        _ => axum::connected(|router| router.layer(map_request(logged)).layer(TracingLayer::new())),
    };
    Ok((site, Box::new(telemetry)))
}

async fn logged(request: Request) -> Request {
    log_event();
    request
}

fn with_event<S: Service<ServiceRequest>>(request: ServiceRequest, next: &S) -> S::Future {
    log_event();
    next.call(request)
}

/// An event with a message and two fields.
fn log_event() {
    tracing::info!(item = "tea", left = 7, "in stock");
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
        Ok(self.force_flush()?)
    }

    fn shutdown(self: Box<Self>) -> Result<()> {
        Ok(Telemetry::shutdown(*self)?)
    }
}
