//! Fields of a request's `tracing` span, formatted only if a log line needs them.

use tracing::{
    Dispatch, Event, Metadata, Subscriber,
    field::{Field, Value, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{
    Layer,
    layer::Context,
    registry::{LookupSpan, SpanRef},
};

use super::line_span::LineDispatch;
use crate::{http::method::Method, semconv::names, trace::REQUEST};

/// Layer around one of `tracing_subscriber::fmt` without span events. The inner layer formats the fields of each span
/// when the span is created.
///
/// Most requests write no line. This layer therefore delays the formatting for their spans until the first event in the
/// span.
pub(crate) struct LazyFields<L> {
    lines: L,
    dispatch: LineDispatch,
}

impl<L> LazyFields<L> {
    /// Creates the layer. `dispatch` is set when the subscriber is complete.
    pub(crate) fn new(lines: L, dispatch: LineDispatch) -> Self {
        Self { lines, dispatch }
    }

    /// Formats the fields of `span`, which was postponed when the span was created. If two threads call it at the same
    /// time, the second one finds the fields of the first.
    fn format_fields<'a, S>(&self, span: &SpanRef<'a, S>, cx: &Context<'a, S>)
    where
        S: Subscriber + for<'s> LookupSpan<'s>,
        L: Layer<S>,
    {
        let Some(fields) = span.extensions().get::<RequestFields>().cloned() else { return };
        fields.with_attributes(span.metadata(), |attributes| {
            self.lines.on_new_span(attributes, &span.id(), cx.clone());
        });
        span.extensions_mut().remove::<RequestFields>();
    }
}

impl<S, L> Layer<S> for LazyFields<L>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    L: Layer<S>,
{
    fn on_register_dispatch(&self, dispatch: &Dispatch) {
        self.dispatch.set(dispatch);
        self.lines.on_register_dispatch(dispatch);
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        if !is_request(attributes.metadata()) {
            return self.lines.on_new_span(attributes, id, cx);
        }
        if let Some(span) = cx.span(id) {
            span.extensions_mut().replace(RequestFields::from(attributes));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, cx: Context<'_, S>) {
        if let Some(span) = cx.span(id) {
            self.format_fields(&span, &cx);
        }
        self.lines.on_record(id, values, cx);
    }

    fn on_event(&self, event: &Event<'_>, cx: Context<'_, S>) {
        let spans = cx.event_scope(event).into_iter().flatten();
        spans.for_each(|span| self.format_fields(&span, &cx));
        // The JSON format writes the current span if the event's own span is not accessible.
        if !event.is_contextual() {
            let spans = cx.lookup_current().into_iter().flat_map(|span| span.scope());
            spans.for_each(|span| self.format_fields(&span, &cx));
        }
        self.lines.on_event(event, cx);
    }
}

/// Whether this is the span of a request. The address of its name is unique.
fn is_request(metadata: &Metadata<'_>) -> bool {
    std::ptr::eq(metadata.name().as_ptr(), REQUEST.as_ptr())
}

/// Fields with which the span of a request is created.
#[derive(Clone, Default)]
struct RequestFields {
    method: &'static str,
    path: Option<Box<str>>,
}

impl RequestFields {
    /// Calls `f` with attributes equal to those with which the span was created.
    fn with_attributes(
        &self,
        metadata: &'static Metadata<'static>,
        f: impl FnOnce(&Attributes<'_>),
    ) {
        let fields = metadata.fields();
        let (method, path) =
            (fields.field(names::HTTP_REQUEST_METHOD), fields.field(names::URL_PATH));
        let Some((method, path)) = method.zip(path) else { return };
        let path_value = self.path.as_deref();
        let values =
            [(&method, Some(&self.method as &dyn Value)), (&path, Some(&path_value as &dyn Value))];
        f(&Attributes::new(metadata, &fields.value_set(&values)));
    }
}

impl From<&Attributes<'_>> for RequestFields {
    fn from(attributes: &Attributes<'_>) -> Self {
        let mut fields = Self::default();
        attributes.record(&mut fields);
        fields
    }
}

impl Visit for RequestFields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            names::URL_PATH => self.path = Some(value.into()),
            _ => self.method = Method::of(value).as_attribute(),
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    };

    use tracing_subscriber::{
        Registry,
        fmt::{self, FormatFields, format, writer::BoxMakeWriter},
        layer::SubscriberExt,
    };

    use super::*;
    use crate::{
        exchange::{Builder, Instrumentation},
        telemetry::log_format::tests::CapturedLines,
        trace::TracerProvider,
    };

    /// Runs `f` in the span of a request, below a subscriber with `layer`.
    fn in_request(layer: impl Layer<Registry> + Send + Sync, path: &str, f: impl FnOnce()) {
        let subscriber = Registry::default().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            let builder = Builder::<Instrumentation>::new("tests", "1");
            let provider = TracerProvider::builder().build();
            let middleware = builder.tracer_provider(&provider).build();
            let request = http::Request::get(path).body(()).unwrap();
            middleware.start_server(&request).in_scope(f);
        });
    }

    fn lazy<L>(lines: L) -> LazyFields<L> {
        LazyFields::new(lines, LineDispatch::default())
    }

    fn talk() {
        tracing::info!(parent: None, "outside");
        tracing::info!(left = 3, "in \"stock\"");
        tracing::info_span!("order", item = "tea").in_scope(|| tracing::warn!("twice"));
        tracing::Span::current().record("otel.name", "renamed");
        tracing::info!("again");
    }

    /// Returns the lines of requests to several paths, each with a layer made by `layer`.
    fn lines_of<L: Layer<Registry> + Send + Sync>(
        layer: impl Fn(BoxMakeWriter) -> L,
    ) -> Vec<String> {
        let lines = CapturedLines::default();
        for path in ["/items/7", "/a\"b?x=1", "/%1b%5b31m"] {
            in_request(layer(BoxMakeWriter::new(lines.clone())), path, talk);
        }
        lines.all()
    }

    #[test]
    fn lines_are_those_of_fields_that_are_formatted_with_the_span() {
        for ansi in [false, true] {
            let text = |to| {
                let format = format().with_ansi(ansi).without_time();
                fmt::layer().with_ansi(ansi).with_writer(to).event_format(format.compact())
            };
            let eager = lines_of(text);
            assert_eq!(lines_of(|to| lazy(text(to))), eager);
            assert_eq!(eager.iter().filter(|line| line.contains("/items/7")).count(), 3);
        }
    }

    #[test]
    fn json_lines_are_those_of_fields_that_are_formatted_with_the_span() {
        let json = |to| fmt::layer().json().without_time().with_writer(to);
        let eager = lines_of(json);
        assert_eq!(lines_of(|to| lazy(json(to))), eager);
        assert!(eager[0].contains(r#""url.path":"/items/7""#), "{eager:?}");
    }

    /// Counts the calls that format fields.
    fn counting(formatted: &Arc<AtomicUsize>) -> impl for<'a> FormatFields<'a> + 'static + use<> {
        let formatted = Arc::clone(formatted);
        format::debug_fn(move |writer, field, value| {
            if field.name() == names::URL_PATH {
                formatted.fetch_add(1, Ordering::Relaxed);
            }
            write!(writer, "{field}={value:?} ")
        })
    }

    #[test]
    fn fields_are_formatted_for_the_first_line_and_not_without_one() {
        let formatted = Arc::new(AtomicUsize::new(0));
        let layer =
            || lazy(fmt::layer().with_writer(std::io::sink).fmt_fields(counting(&formatted)));
        in_request(layer(), "/quiet", || {});
        assert_eq!(formatted.load(Ordering::Relaxed), 0);
        in_request(layer(), "/loud", || {
            tracing::info!("first");
            tracing::info!("second");
        });
        assert_eq!(formatted.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn threads_that_log_in_the_same_span_at_the_same_time_both_write_its_fields() {
        for _ in 0..200 {
            let lines = CapturedLines::default();
            let layer = fmt::layer().json().with_writer(BoxMakeWriter::new(lines.clone()));
            in_request(lazy(layer), "/items/7", || {
                let (barrier, span) = (&Barrier::new(2), &tracing::Span::current());
                let dispatch = &tracing::dispatcher::get_default(Dispatch::clone);
                let log = || {
                    tracing::dispatcher::with_default(dispatch, || {
                        barrier.wait();
                        tracing::info!(parent: span, "found");
                    });
                };
                std::thread::scope(|scope| {
                    scope.spawn(log);
                    scope.spawn(log);
                });
            });
            let lines = lines.all();
            assert!(lines.len() == 2 && lines.iter().all(|line| line.contains("/items/7")));
        }
    }
}
