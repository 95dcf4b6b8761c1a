use std::{net::SocketAddr, sync::Arc};

use opentelemetry::global;
use opentelemetry_sdk::{Resource, metrics::SdkMeterProvider};

use super::{config::Environment, error::TelemetryError, guard::Telemetry};
use crate::prometheus::{self, Endpoint, Listener, Prometheus, Registry, Served};

/// The meters of a service, and what reads them.
#[derive(Debug)]
pub(super) struct Metrics {
    provider: SdkMeterProvider,
    served: Served,
}

impl Metrics {
    /// Nothing where neither code nor environment asks for metrics.
    pub(super) fn start(
        code: Option<Prometheus>,
        resource: &Resource,
        environment: &Environment,
    ) -> Result<Option<Self>, TelemetryError> {
        let Some(options) = code.or_else(|| environment.has_prometheus.then(Prometheus::new))
        else {
            return Ok(None);
        };
        let exporters = vec!["prometheus"];
        let (served, reader) = options.start(resource, &environment.listener, exporters)?;
        let builder = SdkMeterProvider::builder().with_resource(resource.clone());
        Ok(Some(Self { provider: reader.read(builder).build(), served }))
    }

    pub(super) fn shut_down(&mut self) {
        self.served.shut_down();
        let _ = self.provider.shutdown();
    }
}

impl Telemetry {
    /// The provider that makes the meters, to be passed on where the global one is not used. There is one where
    /// [`prometheus`](super::TelemetryBuilder::prometheus) or `OTEL_METRICS_EXPORTER` asks for it.
    pub fn meter_provider(&self) -> Option<&SdkMeterProvider> {
        self.metrics().map(|metrics| &metrics.provider)
    }

    /// What answers scrapes, to be mounted among the routes of the service.
    pub fn metrics_endpoint(&self) -> Option<&Endpoint> {
        self.metrics().map(|metrics| &metrics.served.endpoint)
    }

    /// Where metrics are served by a listener of their own.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics()?.served.listener.as_ref().map(Listener::address)
    }

    /// What is scraped, to add collectors of the `prometheus` crate to.
    pub fn registry(&self) -> Option<&Registry> {
        self.metrics().map(|metrics| &metrics.served.registry)
    }

    pub(super) fn install_metrics(&self) {
        if let Some(metrics) = self.metrics() {
            global::set_meter_provider(metrics.provider.clone());
            prometheus::install_globally(Arc::clone(&metrics.served.exemplars));
        }
    }
}

#[cfg(test)]
mod tests;
