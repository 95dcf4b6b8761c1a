//! Options of the embedded panel.

use super::TelemetryBuilder;
use crate::export::panel::{EmbeddedPanel, Panel};

impl TelemetryBuilder {
    /// Shows the telemetry of this service in a browser, besides exporting it.
    ///
    /// [`Panel::new`] has a listener at `127.0.0.1:4380`, on a thread of its own, until
    /// [`Telemetry::shutdown`](crate::telemetry::Telemetry::shutdown). [`Panel::mounted`] has none:
    /// the application has its routes, with `Router::nest` of axum or with
    /// `tracing_actix_middleware::panel`. Exporters, of code and of the environment, remain as they are.
    pub fn panel(mut self, panel: Panel) -> Self {
        let embedded = EmbeddedPanel::new(panel);
        self.metrics.push(embedded.clone());
        self.additions.exporters.push(Box::new(embedded.clone()));
        let announced = embedded.clone();
        self.additions.notices.push(Box::new(move || announced.announce()));
        self.additions.layers.push(embedded.layer());
        self.log_records.additions.push(Box::new(embedded));
        self
    }
}
