//! Source for the traces of an existing Jaeger and the metrics of an existing Prometheus.

use futures_util::future::BoxFuture;

use super::{Need, Source, SourceError, jaeger::Jaeger, prometheus::Prometheus};
use crate::store::Store;

/// Existing backends as a source.
#[derive(Clone, Debug)]
pub struct Backends {
    jaeger: Option<Jaeger>,
    prometheus: Option<Prometheus>,
}

impl Backends {
    /// Uses the query API of a Jaeger and the HTTP API of a Prometheus, at these URLs.
    ///
    /// # Errors
    ///
    /// If a URL is not valid.
    pub fn new(jaeger: Option<&str>, prometheus: Option<&str>) -> Result<Self, String> {
        Ok(Self {
            jaeger: jaeger.map(Jaeger::new).transpose()?,
            prometheus: prometheus.map(Prometheus::new).transpose()?,
        })
    }

    async fn fill(&self, store: &Store, need: Need<'_>) -> Result<(), SourceError> {
        match (need, &self.jaeger, &self.prometheus) {
            (Need::Requests(window), Some(jaeger), _) => jaeger.requests(store, window).await,
            (Need::Search(search), Some(jaeger), _) => jaeger.search(store, search).await,
            (Need::Traces(ids), Some(jaeger), _) => jaeger.traces(store, ids).await,
            (Need::Instruments, _, Some(prometheus)) => prometheus.instruments(store).await,
            (Need::Metric(key, window), _, Some(prometheus)) => {
                prometheus.metric(store, key, window).await
            }
            _ => Ok(()),
        }
    }
}

impl Source for Backends {
    fn load<'a>(&'a self, need: Need<'a>) -> BoxFuture<'a, Result<Store, SourceError>> {
        Box::pin(async move {
            let store = Store::default();
            self.fill(&store, need).await?;
            Ok(store)
        })
    }

    fn notice(&self, page: &str) -> Option<String> {
        let traces = self.jaeger.as_ref().map(|jaeger| format!("Traces of {}.", jaeger.address()));
        let traces = traces.unwrap_or_else(|| {
            "There are no traces: the panel was started without --jaeger.".to_owned()
        });
        match page {
            "metrics" => Some(match &self.prometheus {
                Some(prometheus) => format!(
                    "Metrics of {}. It provides no exemplars here, and the kind of a metric only \
                     while a target has its metadata.",
                    prometheus.address()
                ),
                None => {
                    "There are no metrics: the panel was started without --prometheus.".to_owned()
                }
            }),
            "logs" => Some(format!(
                "{traces} Jaeger stores no log records; events are in the details of a span."
            )),
            "running" => Some("A backend reports requests when they have ended.".to_owned()),
            "health" => Some(format!(
                "{traces} The figures of this page are those of telemetry that is sent to the panel."
            )),
            "traces" => Some(format!(
                "{traces} A search examines the newest {} traces of each service. There is no live \
                 view, and only fields are completed.",
                Jaeger::MOST_TRACES
            )),
            "overview" | "map" | "errors" | "" => Some(format!(
                "{traces} Figures are computed from the newest {} traces of each service in this \
                 window.",
                Jaeger::MOST_TRACES
            )),
            _ => None,
        }
    }

    fn is_live(&self) -> bool {
        false
    }
}
