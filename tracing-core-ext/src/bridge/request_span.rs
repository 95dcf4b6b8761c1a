//! The `tracing` span of a request, created with the request or when it is first used.

use std::{
    cell::RefCell,
    fmt, mem,
    sync::{Arc, OnceLock},
};

use opentelemetry::Context;
use tracing::{
    Dispatch, Level, Metadata, Span,
    callsite::{DefaultCallsite, Identifier},
    dispatcher,
    field::{FieldSet, Value, ValueSet},
    metadata::Kind,
    span::Id,
};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::{
    deferred_scopes::DeferredEntry, request_subscriber::RequestSubscriber, span_filter::TARGET,
};
use crate::{semconv::names, trace::REQUEST};

/// Names of the fields. Only layers record the first two.
const FIELDS: &[&str] = &["otel.kind", "otel.name", names::HTTP_REQUEST_METHOD, names::URL_PATH];

static CALLSITE: DefaultCallsite = DefaultCallsite::new(&METADATA);
static METADATA: Metadata<'static> = Metadata::new(
    REQUEST,
    TARGET,
    Level::INFO,
    None,
    None,
    None,
    FieldSet::new(FIELDS, Identifier(&CALLSITE)),
    Kind::SPAN,
);

/// Constructor of `tracing::Span`, which determines the parent.
type NewSpan = fn(&'static Metadata<'static>, &ValueSet<'_>, &Dispatch) -> Span;

/// Creates the span of a request below the current span.
pub(super) fn create(method: &'static str, path: &str) -> Span {
    if is_never_enabled() {
        return Span::none();
    }
    dispatcher::get_default(|dispatch| create_with(dispatch, method, path, Span::new_with))
}

/// Whether no subscriber is interested in requests.
///
/// The callsite is registered here, because it cannot be registered while a subscriber is called.
#[inline]
fn is_never_enabled() -> bool {
    CALLSITE.interest().is_never()
}

fn create_with(dispatch: &Dispatch, method: &'static str, path: &str, new: NewSpan) -> Span {
    if !CALLSITE.interest().is_always() && !dispatch.enabled(&METADATA) {
        return Span::none();
    }
    let path = (!path.is_empty()).then_some(path);
    let values =
        [None, None, Some(&method as &dyn Value), path.as_ref().map(|it| it as &dyn Value)];
    new(&METADATA, &METADATA.fields().value_set_all(&values), dispatch)
}

/// Span of a request in a [`RequestSubscriber`], created when it is first used. Its memory is reused by the thread that
/// dropped it.
pub(crate) struct DeferredSpan {
    dispatch: Dispatch,
    context: Context,
    method: &'static str,
    path: String,
    span: OnceLock<Span>,
}

/// Maximum number of spans that one thread keeps for reuse.
const KEPT: usize = 256;
/// Maximum capacity of a path that is kept.
const KEPT_PATH: usize = 256;

thread_local! {
    static FREE: RefCell<Vec<Arc<DeferredSpan>>> = const { RefCell::new(Vec::new()) };
}

impl Default for DeferredSpan {
    fn default() -> Self {
        Self {
            dispatch: Dispatch::none(),
            context: Context::new(),
            method: "",
            path: String::new(),
            span: OnceLock::new(),
        }
    }
}

impl DeferredSpan {
    /// Creates the span. Returns `None` if the current subscriber is of another type, or if it has a current span,
    /// which would be the parent.
    #[inline]
    pub(super) fn new(context: &Context, method: &'static str, path: &str) -> Option<Arc<Self>> {
        if is_never_enabled() {
            return None;
        }
        let dispatch = dispatcher::get_default(|dispatch| {
            let subscriber = dispatch.downcast_ref::<RequestSubscriber>()?;
            (!subscriber.has_current_span()).then(|| dispatch.clone())
        })?;
        let free = FREE.try_with(|free| free.try_borrow_mut().ok()?.pop());
        let mut span = free.ok().flatten().unwrap_or_default();
        // There is no other handle to the span.
        let fields = Arc::get_mut(&mut span)?;
        (fields.dispatch, fields.context, fields.method) = (dispatch, context.clone(), method);
        fields.path.push_str(path);
        Some(span)
    }

    /// Closes the span, if it was created, and keeps its memory.
    pub(super) fn recycle(span: &mut Arc<Self>) {
        let Some(fields) = Arc::get_mut(span) else { return };
        let path = mem::take(&mut fields.path);
        *fields = Self { path, ..Self::default() };
        fields.path.clear();
        fields.path.shrink_to(KEPT_PATH);
        let _ = FREE.try_with(|free| {
            if let Ok(mut free) = free.try_borrow_mut()
                && free.len() < KEPT
            {
                free.push(Arc::clone(span));
            }
        });
    }

    fn create(&self) -> Span {
        let span = create_with(&self.dispatch, self.method, &self.path, Span::new_root_with);
        // The layer uses its parent as the span itself. A disabled span has none.
        if span.set_parent(self.context.clone()).is_ok() {
            // The parent of a span that has started cannot change.
            let _ = span.context();
        }
        span
    }

    fn with_subscriber(&self, id: Option<Id>, f: fn(&RequestSubscriber, &Id)) {
        if let Some((subscriber, id)) = self.dispatch.downcast_ref().zip(id) {
            f(subscriber, &id);
        }
    }
}

impl DeferredEntry for DeferredSpan {
    fn enter(&self) {
        let span = self.span.get_or_init(|| self.create());
        self.with_subscriber(span.id(), RequestSubscriber::enter_lines);
    }

    fn exit(&self) {
        self.with_subscriber(self.span.get().and_then(Span::id), RequestSubscriber::exit_lines);
    }
}

impl fmt::Debug for DeferredSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeferredSpan").field("span", &self.span).finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "telemetry"))]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use opentelemetry::trace::TracerProvider as _;
    use tracing::{Event, Subscriber, span::Attributes};
    use tracing_subscriber::{
        Layer, filter::LevelFilter, layer::Context as LayerContext, registry::LookupSpan,
    };

    use super::*;
    use crate::{
        bridge::{request_subscriber, span_filter::SpanFilter},
        exchange::{Builder, Exchange, Instrumentation},
        trace::TracerProvider,
    };

    /// Record of the creation of spans, and of the scope of each event.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<String>>>);

    impl Log {
        fn push(&self, line: String) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }

        fn take(&self) -> Vec<String> {
            std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
        }
    }

    impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Log {
        fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: LayerContext<'_, S>) {
            self.push(format!("new {}", attributes.metadata().name()));
        }

        fn on_event(&self, event: &Event<'_>, cx: LayerContext<'_, S>) {
            let spans = cx.event_scope(event).into_iter().flat_map(|scope| scope.from_root());
            let names: Vec<_> = spans.map(|span| span.metadata().name()).collect();
            self.push(format!("event in {names:?}"));
        }

        fn on_close(&self, _: Id, _: LayerContext<'_, S>) {
            self.push("close".to_owned());
        }
    }

    /// Runs `f` below a subscriber with this log. Exchanges are started by the argument of `f`.
    fn logged(log: &Log, f: impl FnOnce(&dyn Fn() -> Exchange)) {
        let provider = TracerProvider::builder().build();
        let lines: request_subscriber::BoxLayer<tracing_subscriber::Registry> =
            Box::new(log.clone());
        let tracer = provider.tracer("tests");
        let spans = SpanFilter::exported(LevelFilter::INFO);
        let dispatch =
            request_subscriber::dispatch((lines, LevelFilter::INFO), None, tracer, spans);
        let builder = Builder::<Instrumentation>::new("tests", "1").tracer_provider(&provider);
        let middleware = builder.build();
        let request = http::Request::get("/items/7").body(()).unwrap();
        dispatcher::with_default(&dispatch, || f(&|| middleware.start_server(&request)));
    }

    #[test]
    fn a_request_without_lines_and_spans_creates_no_span() {
        let log = Log::default();
        // A disabled event is not tested here: subscribers of other tests may be interested in it.
        logged(&log, |start| start().in_scope(|| {}));
        assert_eq!(log.take(), [""; 0]);
    }

    #[test]
    fn the_first_line_creates_the_span_and_each_scope_enters_it() {
        let log = Log::default();
        logged(&log, |start| {
            let mut exchange = start();
            exchange.in_scope(|| {
                tracing::info!("first");
                tracing::info!("second");
            });
            tracing::info!("between");
            exchange.in_scope(|| {});
            exchange.in_scope(|| tracing::info!("third"));
            assert!(Span::current().is_none());
        });
        let inside = r#"event in ["request"]"#;
        assert_eq!(log.take(), ["new request", inside, inside, "event in []", inside, "close"]);
    }

    #[test]
    fn a_span_around_the_scope_is_entered_first_and_one_around_the_start_is_the_parent() {
        let log = Log::default();
        logged(&log, |start| {
            let mut exchange = start();
            let outer = tracing::info_span!("outer");
            outer.in_scope(|| exchange.in_scope(|| tracing::info!("found")));
            let mut inner = outer.in_scope(start);
            inner.in_scope(|| tracing::info!("found"));
        });
        let events = log.take().into_iter().filter(|line| line.starts_with("event"));
        let expected = [r#"event in ["request"]"#, r#"event in ["outer", "request"]"#];
        assert_eq!(events.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn scopes_that_end_out_of_order_leave_the_other_span_current() {
        let log = Log::default();
        logged(&log, |start| {
            let (first, second) = (start(), start());
            let (outer, inner) = (first.enter(), second.enter());
            tracing::info!("both");
            drop(outer);
            assert_eq!(Span::current().metadata().map(Metadata::name), Some(REQUEST));
            drop(inner);
            assert!(Span::current().is_none());
        });
        assert_eq!(log.take().iter().filter(|line| *line == "close").count(), 2);
    }

    #[test]
    fn a_span_entered_in_a_scope_is_above_the_request() {
        let log = Log::default();
        logged(&log, |start| {
            let user = tracing::info_span!("user");
            start().in_scope(|| {
                let _entered = user.enter();
                let current = Span::current();
                assert_eq!(current.metadata().map(Metadata::name), Some("user"));
            });
            assert!(Span::current().is_none());
        });
        assert_eq!(log.take(), ["new user", "new request", "close", "close"]);
    }
}
