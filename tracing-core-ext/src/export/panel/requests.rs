//! Running requests, identified by the `tracing` spans of their exchanges.

use std::{fmt, sync::Arc};

use opentelemetry::{Context as OtelContext, trace::TraceContextExt};
use tracing::{
    Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id},
    subscriber::Interest,
};
use tracing_panel::{
    model::{SpanId, TraceId, now},
    store::RunningRequest,
};
use tracing_subscriber::{
    Layer,
    filter::LevelFilter,
    layer::{Context, Filter},
    registry::LookupSpan,
};

use super::feed::Feed;
use crate::{bridge::span_filter::TARGET, semconv::names};

/// Layer that lists each request from the start of its exchange until its `tracing` span closes, or
/// until the panel has stored the span.
pub(super) struct RequestLayer(Arc<Feed>);

/// Selects the `tracing` spans of exchanges.
pub(super) struct RequestFilter;

/// Extension of a `tracing` span whose request is listed.
struct Listed(SpanId);

impl RequestLayer {
    pub(super) const fn new(feed: Arc<Feed>) -> Self {
        Self(feed)
    }

    /// Returns the span id of the exchange. Its context is current while its `tracing` span is
    /// created.
    fn begin(&self, attributes: &Attributes<'_>) -> Option<SpanId> {
        let (trace_id, span_id) = current_ids()?;
        let mut name = RequestName::default();
        attributes.record(&mut name);
        let request = RunningRequest {
            trace_id,
            span_id,
            service: self.0.service(),
            name: name.into_text().into(),
            start: now(),
        };
        self.0.panel().store().running().begin(request);
        Some(span_id)
    }
}

fn current_ids() -> Option<(TraceId, SpanId)> {
    OtelContext::map_current(|context| {
        let span = context.span();
        let ids = span.span_context();
        let trace_id = TraceId::from_slice(&ids.trace_id().to_bytes())?;
        Some((trace_id, SpanId::from_slice(&ids.span_id().to_bytes())?))
    })
}

impl<S> Layer<S> for RequestLayer
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(listed) = self.begin(attributes) {
            span.extensions_mut().insert(Listed(listed));
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        if let Some(Listed(listed)) = span.extensions().get() {
            self.0.panel().store().running().end(*listed);
        }
    }
}

impl<S> Filter<S> for RequestFilter {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        metadata.is_span() && metadata.target() == TARGET
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        match metadata.is_span() && metadata.target() == TARGET {
            true => Interest::always(),
            false => Interest::never(),
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }
}

/// Method and path of a request, or route of a WebSocket.
#[derive(Default)]
struct RequestName {
    method: String,
    path: String,
}

impl RequestName {
    fn into_text(self) -> String {
        match self.method.is_empty() {
            true => format!("WebSocket {}", self.path),
            false => format!("{} {}", self.method, self.path),
        }
    }
}

impl Visit for RequestName {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            names::HTTP_REQUEST_METHOD => value.clone_into(&mut self.method),
            names::URL_PATH | names::HTTP_ROUTE => value.clone_into(&mut self.path),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
