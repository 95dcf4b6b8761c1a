use std::io;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use tokio::{net::TcpListener, task::JoinHandle};
use tracing_core_ext::panel::{Panel, Served};

/// Variables with which a service exports a signal to the panel.
struct SignalVariables {
    /// Path of the signal at the receiver.
    path: &'static str,
    exporter: &'static str,
    endpoint: &'static str,
    /// Time between two exports, and its value in milliseconds.
    interval: (&'static str, &'static str),
}

const SIGNALS: [SignalVariables; 2] = [
    SignalVariables {
        path: "/v1/metrics",
        exporter: "OTEL_METRICS_EXPORTER",
        endpoint: "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        interval: ("OTEL_METRIC_EXPORT_INTERVAL", "5000"),
    },
    SignalVariables {
        path: "/v1/logs",
        exporter: "OTEL_LOGS_EXPORTER",
        endpoint: "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
        interval: ("OTEL_BLRP_SCHEDULE_DELAY", "100"),
    },
];

/// Browser view of all three services.
pub(crate) struct ShopPanel {
    panel: Panel,
    _served: Option<Served>,
    /// URL of the receiver of metrics and log records.
    receiver_url: String,
    receiver: JoinHandle<()>,
}

impl ShopPanel {
    /// Opens the pages at this port of 127.0.0.1, and a receiver of metrics and log records.
    pub(crate) async fn open(port: u16) -> io::Result<Self> {
        let panel = Panel::new().listen_on(([127, 0, 0, 1], port));
        let served = panel.serve().map_err(|error| {
            io::Error::new(error.kind(), format!("panel at port {port}: {error}; set --panel-port"))
        })?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let receiver_url = format!("http://{}", listener.local_addr()?);
        let routes = panel.http_receiver();
        let receiver = tokio::spawn(async move {
            let _ = axum::serve(listener, routes).await;
        });
        Ok(Self { panel, _served: served, receiver_url, receiver })
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

    /// Returns the variables with which a service exports metrics and log records to the panel, unless
    /// the environment sets another destination.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&'static str, String)> {
        let is_unset = |name| std::env::var_os(name).is_none();
        let to_panel = move |it: &&SignalVariables| is_unset(it.exporter) && is_unset(it.endpoint);
        SIGNALS.iter().filter(to_panel).flat_map(move |signal| {
            let endpoint = format!("{}{}", self.receiver_url, signal.path);
            let (interval, milliseconds) = signal.interval;
            let own = is_unset(interval).then(|| (interval, milliseconds.to_owned()));
            [(signal.exporter, "otlp".to_owned()), (signal.endpoint, endpoint)]
                .into_iter()
                .chain(own)
        })
    }
}

impl Drop for ShopPanel {
    fn drop(&mut self) {
        self.receiver.abort();
    }
}
