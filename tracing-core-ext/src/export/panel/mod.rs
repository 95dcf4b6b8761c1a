//! Panel inside the service: a browser view of its traces, log lines and metrics.
//!
//! ```
//! use tracing_core_ext::{panel::Panel, telemetry::Telemetry};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let panel = Panel::new();
//! # let panel = panel.listen_on(([127, 0, 0, 1], 0));
//! let (telemetry, _subscriber) =
//!     Telemetry::builder().service_name("checkout").panel(panel.clone()).build()?;
//! println!("{}", panel.url().expect("it has a listener"));
//! # telemetry.shutdown()?;
//! # Ok(())
//! # }
//! ```
//!
//! The panel is one more exporter. A thread encodes ended spans as OTLP and stores them, so a
//! request never waits for a page. Metrics are stored every five seconds. Log records come from the
//! subscriber of [`install`](crate::telemetry::TelemetryBuilder::install) or
//! [`build`](crate::telemetry::TelemetryBuilder::build), or of the service, if it has
//! [`Telemetry::log_layer`](crate::telemetry::Telemetry::log_layer). Running requests come only from
//! the former.
//!
//! Without [`TelemetryBuilder::panel`](crate::telemetry::TelemetryBuilder::panel), a request
//! executes no instruction for the panel.

mod feed;
mod lines;
mod metrics;
mod requests;
mod spans;

use std::{sync::Arc, time::Duration};

use tracing_subscriber::{Layer, Registry};

pub use tracing_panel::{Access, Pages, Panel, Served};

use self::{
    feed::Feed,
    lines::PanelLogExporter,
    requests::{RequestFilter, RequestLayer},
    spans::PanelExporter,
};
use super::pipeline::{
    Pipeline,
    context::{PipelineContext, SpanExporterOptions},
    logs::{LogExporterOptions, LogPipeline},
};
use crate::base::error::TelemetryError;

/// Delay of a batch of spans, so that a page shows a request soon after its end.
const DELAY: Duration = Duration::from_millis(100);

/// Panel of a service. A clone is a handle to the same panel.
#[derive(Clone, Debug)]
pub(crate) struct EmbeddedPanel {
    feed: Arc<Feed>,
}

impl EmbeddedPanel {
    pub(crate) fn new(panel: Panel) -> Self {
        Self { feed: Arc::new(Feed::new(panel)) }
    }

    /// Returns a layer for running requests.
    pub(crate) fn layer(&self) -> Box<dyn Layer<Registry> + Send + Sync> {
        RequestLayer::new(Arc::clone(&self.feed)).with_filter(RequestFilter).boxed()
    }

    /// Logs the address of the pages.
    pub(crate) fn announce(&self) {
        let panel = self.feed.panel();
        match (panel.url(), panel.access().token()) {
            (Some(url), _) => tracing::info!("panel: {url}"),
            (None, Some(token)) => tracing::info!("panel: its path with ?token={token}"),
            (None, None) => {}
        }
    }
}

impl SpanExporterOptions for EmbeddedPanel {
    fn start(self: Box<Self>, context: &PipelineContext<'_>) -> Result<Pipeline, TelemetryError> {
        let panel = self.feed.panel();
        let served = panel.serve().map_err(|error| {
            let address = panel.listen_address().map(|it| it.to_string()).unwrap_or_default();
            let expected =
                format!("an address that is available, or port 0 for any port ({error})");
            TelemetryError::setting("Panel::listen_on()", address, expected)
        })?;
        let state = context.state("the panel".to_owned(), "panel_span_exporter");
        context.pipeline(PanelExporter::new(self.feed, served), state, DELAY)
    }
}

impl LogExporterOptions for EmbeddedPanel {
    fn start(
        self: Box<Self>,
        context: &PipelineContext<'_>,
    ) -> Result<LogPipeline, TelemetryError> {
        let state = context.log_state("the panel".to_owned(), "panel_log_exporter");
        context.log_pipeline(PanelLogExporter::new(self.feed), state, DELAY)
    }
}
