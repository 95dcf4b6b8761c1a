//! Options of Prometheus, and the endpoint of a service.

use std::net::SocketAddr;

use super::TelemetryBuilder;
use crate::{
    export::prometheus::{Endpoint, Prometheus, Registry, server::scrape_server::ScrapeServer},
    telemetry::Telemetry,
};

impl TelemetryBuilder {
    /// Serves metrics for Prometheus. Without code, `OTEL_METRICS_EXPORTER=prometheus` does so with
    /// the options of [`Prometheus::new`].
    ///
    /// ```
    /// use opentelemetry::metrics::MeterProvider;
    /// use tracing_core_ext::{prometheus::Prometheus, telemetry::Telemetry};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (telemetry, _subscriber) = Telemetry::builder()
    ///     .service_name("checkout")
    ///     .prometheus(Prometheus::new().listen_on(([127, 0, 0, 1], 0)))
    ///     .build()?;
    ///
    /// let meter = telemetry.meter_provider().expect("Prometheus is enabled").meter("shop");
    /// meter.u64_counter("shop.orders").build().add(1, &[]);
    /// # telemetry.shutdown()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn prometheus(mut self, prometheus: Prometheus) -> Self {
        self.metrics.push(prometheus);
        self
    }
}

impl Telemetry {
    /// Returns the endpoint that answers scrapes, to be mounted in a router of the service.
    pub fn metrics_endpoint(&self) -> Option<&Endpoint> {
        self.scrape_server().map(ScrapeServer::endpoint)
    }

    /// Returns the address of the listener that serves metrics, if there is one.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.scrape_server().and_then(ScrapeServer::address)
    }

    /// Returns the registry, which accepts collectors of the `prometheus` crate.
    pub fn registry(&self) -> Option<&Registry> {
        self.scrape_server().map(ScrapeServer::registry)
    }

    fn scrape_server(&self) -> Option<&ScrapeServer> {
        self.metrics.as_ref()?.output()
    }
}
