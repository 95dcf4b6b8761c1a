//! Client of Jaeger's query API.

mod convert;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;

use self::convert::JaegerTrace;
use super::{SourceError, http::Api};
use crate::{
    analysis::Window,
    model::{TraceId, now},
    otlp::Intake,
    store::{Store, TraceSearch},
};

/// Maximum number of services that are read for one page.
const MOST_SERVICES: usize = 50;
/// Maximum number of concurrent requests to Jaeger.
const MOST_AT_ONCE: usize = 4;
/// Length of the window if the page has none: two days, in nanoseconds.
const LOOKBACK: u64 = 2 * 86_400 * 1_000_000_000;
/// Parameter with attributes that a span must have.
const TAGS: &str = "tags";

/// Jaeger with its query API.
#[derive(Clone, Debug)]
pub(super) struct Jaeger(Api);

/// Response of the query API.
#[derive(Deserialize)]
struct Answer<T> {
    #[serde(default = "Option::default")]
    data: Option<Vec<T>>,
}

impl Jaeger {
    /// Maximum number of traces of a service that are read for one page.
    pub(super) const MOST_TRACES: usize = 200;

    pub(super) fn new(address: &str) -> Result<Self, String> {
        Api::new(address).map(Self)
    }

    pub(super) fn address(&self) -> &str {
        self.0.address()
    }

    /// Stores the newest traces of each service in a window.
    pub(super) async fn requests(&self, store: &Store, window: Window) -> Result<(), SourceError> {
        let services = self.services().await?;
        self.read_all(store, services, window, &[]).await
    }

    /// Stores traces that may match. The request to Jaeger is restricted by the service, the
    /// durations and the attributes in the search.
    pub(super) async fn search(
        &self,
        store: &Store,
        search: &TraceSearch,
    ) -> Result<(), SourceError> {
        if let Some(id) = search.query.trace() {
            return self.traces(store, &[id]).await;
        }
        let services = match search.query.required("service") {
            Some(service) => vec![service.to_owned()],
            None => self.services().await?,
        };
        let window = Window { from: search.from, to: search.to };
        self.read_all(store, services, window, &filters(search)).await
    }

    /// Stores these traces.
    pub(super) async fn traces(&self, store: &Store, ids: &[TraceId]) -> Result<(), SourceError> {
        for id in ids {
            let path = format!("/api/traces/{id}");
            let answer: Option<Answer<JaegerTrace>> = self.0.get(&path, &[]).await?;
            add(store, answer.and_then(|answer| answer.data).unwrap_or_default());
        }
        Ok(())
    }

    async fn services(&self) -> Result<Vec<String>, SourceError> {
        let answer: Option<Answer<String>> = self.0.get("/api/services", &[]).await?;
        let mut services = answer.and_then(|answer| answer.data).unwrap_or_default();
        services.sort_unstable();
        services.truncate(MOST_SERVICES);
        Ok(services)
    }

    async fn read_all(
        &self,
        store: &Store,
        services: Vec<String>,
        window: Window,
        filters: &[(&'static str, String)],
    ) -> Result<(), SourceError> {
        let read = |service| self.read(store, service, window, filters);
        let reads = stream::iter(services).map(read).buffer_unordered(MOST_AT_ONCE);
        reads.try_collect().await
    }

    async fn read(
        &self,
        store: &Store,
        service: String,
        window: Window,
        filters: &[(&'static str, String)],
    ) -> Result<(), SourceError> {
        let to = window.to.min(now());
        let from = if window.from == 0 { to.saturating_sub(LOOKBACK) } else { window.from };
        let mut query = vec![
            ("service", service),
            ("start", (from / 1_000).to_string()),
            ("end", to.div_ceil(1_000).to_string()),
            ("limit", Self::MOST_TRACES.to_string()),
        ];
        query.extend_from_slice(filters);
        let mut traces = self.newest(&query).await?;
        // The memory of Jaeger 2.13 finds no span for `error`, because it expects a boolean, and
        // the parameter is text. The store checks every condition, so all traces are a valid answer.
        if traces.is_empty() && filters.iter().any(|(name, _)| *name == TAGS) {
            query.retain(|(name, _)| *name != TAGS);
            traces = self.newest(&query).await?;
        }
        add(store, traces);
        Ok(())
    }

    async fn newest(
        &self,
        query: &[(&'static str, String)],
    ) -> Result<Vec<JaegerTrace>, SourceError> {
        let answer: Option<Answer<JaegerTrace>> = self.0.get("/api/traces", query).await?;
        Ok(answer.and_then(|answer| answer.data).unwrap_or_default())
    }
}

/// Returns parameters that exclude only traces that do not match the search.
fn filters(search: &TraceSearch) -> Vec<(&'static str, String)> {
    let mut filters = Vec::new();
    if search.query.required("error") == Some("true") {
        filters.push((TAGS, "{\"error\":\"true\"}".to_owned()));
    }
    if let Some(shortest) = search.query.shortest() {
        filters.push(("minDuration", format!("{}us", shortest / 1_000)));
    }
    filters
}

fn add(store: &Store, traces: Vec<JaegerTrace>) {
    let intake = Intake::new(store.clone());
    for trace in traces {
        intake.add_traces(trace.into_request());
    }
}
