use std::fmt::Display;

use opentelemetry::{Context, Key, KeyValue, SpanId, TraceId, trace::TraceContextExt};

use super::{attribute_value::AttributeValue, websocket_span::WebSocketSpan};
use crate::exchange::{
    instrumentation::Instrumentation, outcome::reason::record_error,
    state::shared_state::SharedState,
};

/// The span of a request, for its handler and for middleware inside ours.
///
/// Both frameworks put it into the request's extensions and offer an extractor of the same name. Work on it goes to the
/// server span even from within a child span. The default stands for no span.
#[derive(Clone, Debug, Default)]
pub struct RequestSpan {
    context: Context,
    shared: Option<SharedState>,
    instrumentation: Option<Instrumentation>,
}

impl RequestSpan {
    pub(crate) fn new(
        context: &Context,
        shared: Option<&SharedState>,
        instrumentation: &Instrumentation,
    ) -> Self {
        Self {
            context: context.clone(),
            shared: shared.cloned(),
            instrumentation: Some(instrumentation.clone()),
        }
    }

    /// Identity of the trace. All zeros where no SDK is installed and the caller sent no context.
    pub fn trace_id(&self) -> TraceId {
        self.context.span().span_context().trace_id()
    }

    /// Identity of the server span. Where no SDK is installed it is the caller's.
    pub fn span_id(&self) -> SpanId {
        self.context.span().span_context().span_id()
    }

    /// Whether attributes set here are kept: the span is sampled and has not ended.
    pub fn is_recording(&self) -> bool {
        self.context.span().is_recording()
    }

    /// The OpenTelemetry context with the server span in it: attach it, or start native spans below it.
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// Adds an attribute to the server span. The SDK keeps what has the key already: set each once.
    ///
    /// ```
    /// # fn handler(span: &tracing_core_ext::exchange::RequestSpan) {
    /// span.set_attribute("cart.items", 3);
    /// # }
    /// ```
    pub fn set_attribute(&self, key: impl Into<Key>, value: impl AttributeValue) {
        let span = self.context.span();
        if span.is_recording() {
            span.set_attribute(KeyValue::new(key, value.into_value()));
        }
    }

    /// Adds a label to the duration of this request, in the place of any other with its key; the span does not get it.
    ///
    /// Every value makes a series of its own, so there must be few: a plan or an outcome, never an identifier. Nothing
    /// happens where no metrics are recorded.
    ///
    /// ```
    /// # fn handler(span: &tracing_core_ext::exchange::RequestSpan) {
    /// span.set_metric_attribute("shop.plan", "free");
    /// # }
    /// ```
    pub fn set_metric_attribute(&self, key: impl Into<Key>, value: impl AttributeValue) {
        if let Some(shared) = &self.shared {
            shared.set_label(KeyValue::new(key, value.into_value()));
        }
    }

    /// Names the server span by the route that was found only after it had started; the first route counts.
    ///
    /// For routers that know the route behind our middleware. What stands for `method` in the name is up to the semantic
    /// conventions.
    pub fn set_route(&self, method: &str, route: &str) {
        if let Some((shared, instrumentation)) =
            self.shared.as_ref().zip(self.instrumentation.as_ref())
        {
            shared.set_route(
                &self.context,
                &instrumentation.options().attribute_options,
                method,
                route,
            );
        }
    }

    /// Starts a span for the WebSocket this request opens, in a trace of its own that links to this one. Without it a
    /// connection has none: the server span ends with the handshake.
    ///
    /// `route` is the pattern of the router, or anything else without identifiers in it: the name is `WebSocket {route}`.
    ///
    /// ```
    /// # use tracing_core_ext::exchange::RequestSpan;
    /// # async fn serve<S>(_: S) {}
    /// # async fn connected<S>(span: RequestSpan, socket: S) {
    /// span.websocket("/rooms/{id}").run(serve(socket)).await;
    /// # }
    /// ```
    pub fn websocket(&self, route: &str) -> WebSocketSpan {
        self.instrumentation.as_ref().map_or_else(WebSocketSpan::noop, |instrumentation| {
            WebSocketSpan::start(instrumentation, &self.context, route)
        })
    }

    /// Marks the server span as failed and describes `error`, an error or any other text, in an `exception` event.
    ///
    /// The message has at most 1,024 characters, and credentials in URLs are redacted. Errors of `anyhow` and `eyre` are
    /// described with their sources.
    ///
    /// ```
    /// # fn handler(span: &tracing_core_ext::exchange::RequestSpan) {
    /// span.record_error(&std::io::Error::other("no stock"));
    /// span.record_error("no stock");
    /// # }
    /// ```
    ///
    /// `error.type` stays that of the response, as does the metric: an error that was handled may well end in a 200.
    ///
    /// Semantic conventions, "Exceptions on spans".
    pub fn record_error<E: Display + ?Sized>(&self, error: &E) {
        if let Some(instrumentation) = &self.instrumentation {
            record_error(&self.context, error, &instrumentation.options().attribute_options);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::exchange::spans::request_span::*;

    #[test]
    fn every_request_carries_a_span_so_it_is_small() {
        assert!(size_of::<RequestSpan>() <= 40, "{}", size_of::<RequestSpan>());
    }
}
