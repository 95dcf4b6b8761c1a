use std::fmt::Display;

use opentelemetry::{Context, Key, KeyValue, SpanId, TraceId, trace::TraceContextExt};

use super::{attribute_value::AttributeValue, websocket_span::WebSocketSpan};
use crate::exchange::{
    instrumentation::Instrumentation, outcome::reason::record_error,
    state::shared_state::SharedState,
};
use crate::{bridge::request_attributes, http::RequestId};

/// The span of a request, for its handler and for middleware inside ours.
///
/// Both frameworks put it into the request's extensions and offer an extractor of the same name. Its methods change the
/// server span, even if they are called within a child span. The default stands for no span.
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

    /// Returns the trace ID. It is all zeros if no SDK is installed and the caller sent no context.
    pub fn trace_id(&self) -> TraceId {
        self.context.span().span_context().trace_id()
    }

    /// Returns the ID of the server span. If no SDK is installed, it is the ID of the caller's span.
    pub fn span_id(&self) -> SpanId {
        self.context.span().span_context().span_id()
    }

    /// Returns the ID of the request, if the middleware has the option
    /// [`request_id`](crate::exchange::Builder::request_id).
    pub fn request_id(&self) -> Option<RequestId> {
        request_attributes::of(&self.context)?.request_id().cloned()
    }

    /// Whether attributes set here are kept: the span is sampled and has not ended.
    pub fn is_recording(&self) -> bool {
        self.context.span().is_recording()
    }

    /// Returns the OpenTelemetry context that holds the server span. Attach it, or start OpenTelemetry spans below it.
    pub const fn context(&self) -> &Context {
        &self.context
    }

    /// Adds an attribute to the server span. The SDK keeps duplicate keys, so set each key once.
    ///
    /// Log lines have it too if [`log_attributes`](crate::exchange::Builder::log_attributes) or
    /// [`RequestLog::attributes`](crate::exchange::RequestLog::attributes) contains its key, whether or not the span is
    /// sampled.
    ///
    /// ```
    /// # fn handler(span: &tracing_core_ext::exchange::RequestSpan) {
    /// span.set_attribute("cart.items", 3);
    /// # }
    /// ```
    pub fn set_attribute(&self, key: impl Into<Key>, value: impl AttributeValue) {
        let span = self.context.span();
        let request = self.instrumentation.as_ref().and_then(|it| it.options().extras());
        if request.is_none() && !span.is_recording() {
            return;
        }
        let attribute = KeyValue::new(key, value.into_value());
        if let Some(request) = request.and_then(|_| request_attributes::of(&self.context)) {
            request.set(&attribute);
        }
        span.set_attribute(attribute);
    }

    /// Adds a label to the duration metric of this request, and replaces any other label with its key. The span does
    /// not get it.
    ///
    /// Every distinct value makes a series, so use few values: a plan or an outcome, never an identifier. The method
    /// has no effect if no metrics are recorded.
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

    /// Names the server span by a route that is resolved only after the span has started. The first route counts.
    ///
    /// It is meant for routers that match the route inside our middleware. The semantic conventions decide the form in
    /// which `method` appears in the name.
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

    /// Starts a span for the WebSocket that this request opens, in a new trace that links to this one. Without this
    /// call, the connection has no span, because the server span ends with the handshake.
    ///
    /// `route` is the pattern of the router, or any other text without identifiers in it.
    /// The name is `WebSocket {route}`.
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
    /// The message has at most 1,024 characters, and credentials in URLs are redacted. Errors of `anyhow` and `eyre`
    /// are described with their sources.
    ///
    /// ```
    /// # fn handler(span: &tracing_core_ext::exchange::RequestSpan) {
    /// span.record_error(&std::io::Error::other("no stock"));
    /// span.record_error("no stock");
    /// # }
    /// ```
    ///
    /// `error.type` and the metric remain those of the response, because an error that was handled may still end in a
    /// 200.
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
