use std::io;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use tokio::{net::TcpListener, task::JoinHandle};
use tracing_core_ext::panel::{Panel, Served};

/// Metrics are exported this often, in milliseconds.
const METRICS_INTERVAL: &str = "5000";
const INTERVAL: &str = "OTEL_METRIC_EXPORT_INTERVAL";
/// Variables that select the destination of metrics.
const OF_METRICS: [&str; 2] = ["OTEL_METRICS_EXPORTER", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"];

/// Browser view of all three services.
pub(crate) struct ShopPanel {
    panel: Panel,
    _served: Option<Served>,
    metrics: String,
    receiver: JoinHandle<()>,
}

impl ShopPanel {
    /// Opens the pages at this port of 127.0.0.1, and a receiver of metrics.
    pub(crate) async fn open(port: u16) -> io::Result<Self> {
        let panel = Panel::new().listen_on(([127, 0, 0, 1], port));
        let served = panel.serve().map_err(|error| {
            io::Error::new(error.kind(), format!("panel at port {port}: {error}; set --panel-port"))
        })?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let metrics = format!("http://{}/v1/metrics", listener.local_addr()?);
        let routes = panel.http_receiver();
        let receiver = tokio::spawn(async move {
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self { panel, _served: served, metrics, receiver })
    }

    pub(crate) fn url(&self) -> &str {
        self.panel.url().unwrap_or_default()
    }

    /// Returns a function that stores the spans of a request.
    pub(crate) fn store(&self) -> impl Fn(&ExportTraceServiceRequest) + Send + Sync + use<> {
        let intake = self.panel.intake().clone();
        move |request| {
            intake.add_traces(request.clone());
        }
    }

    /// Returns the variables with which a service exports metrics to the panel, unless the environment
    /// sets another destination.
    pub(crate) fn variables(&self) -> Vec<(&'static str, &str)> {
        if OF_METRICS.iter().any(|name| std::env::var_os(name).is_some()) {
            return Vec::new();
        }
        let [exporter, endpoint] = OF_METRICS;
        let mut variables = vec![(exporter, "otlp"), (endpoint, &*self.metrics)];
        if std::env::var_os(INTERVAL).is_none() {
            variables.push((INTERVAL, METRICS_INTERVAL));
        }
        variables
    }
}

impl Drop for ShopPanel {
    fn drop(&mut self) {
        self.receiver.abort();
    }
}
