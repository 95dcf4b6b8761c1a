use std::fmt::{self, Write};

use opentelemetry::{
    Context,
    trace::{SpanContext, TraceContextExt},
};
use tracing::{Event, Subscriber};
use tracing_log::NormalizeEvent;
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

use super::{
    line_attributes::{LineAttributes, LineFormat},
    line_span::{LineDispatch, SpanLookup, with_context_of},
    line_suffix::SuffixWriter,
    log_members,
    logfmt::Quoted,
};
use crate::base::text::unprintable::EscapingWriter;

/// Adds the IDs of the trace to log lines of any format, for a custom `tracing` subscriber.
/// [`Telemetry::install`](crate::telemetry::TelemetryBuilder::install) adds them without this type.
///
/// ```
/// use tracing_core_ext::telemetry::{Telemetry, WithTraceIds};
/// use tracing_subscriber::{filter::LevelFilter, fmt, layer::SubscriberExt};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let telemetry =
///     Telemetry::builder().service_name("checkout").install_without_subscriber()?;
///
/// let lines = fmt::layer().event_format(WithTraceIds::text(fmt::format().with_ansi(false)));
/// let subscriber = tracing_subscriber::registry()
///     .with(lines)
///     .with(telemetry.layer(LevelFilter::INFO));
/// # drop(subscriber);
/// # telemetry.shutdown()?;
/// # Ok(())
/// # }
/// ```
///
/// | | added text |
/// | --- | --- |
/// | [`text`](Self::text) | ` trace_id=0af7651916cd43dd8448eb211c80319c span_id=b7ad6b7169203331 trace_flags=01` at the end of the line |
/// | [`logfmt`](Self::logfmt) | the same |
/// | [`json`](Self::json) | `trace_id`, `span_id` and `trace_flags`, strings of the same form, at the end of the object |
///
/// The names and forms are those of "Trace Context in non-OTLP Log Formats", OpenTelemetry specification. `trace_flags`
/// is `00` if the trace was not sampled: then its IDs connect the lines of one request, but no backend has its spans.
///
/// The IDs are those of the event's explicit parent (`info!(parent: &span, …)`), or else those of the current
/// OpenTelemetry context: the span of the request, or a custom span in it. A line outside of any trace has none.
///
/// The IDs of an explicit parent are found below [`Telemetry::install`](crate::telemetry::TelemetryBuilder::install)
/// and below the global subscriber of the process. Under a subscriber of a single thread, or inside of
/// `tracing_subscriber::reload::Layer`, such a line has no IDs unless the parent is also the current span. Writing such
/// a line starts the span, so call `set_parent` before.
///
/// Control characters, and those that change the direction of the text, are escaped: in JSON all of them, in text all
/// but line feeds, and colours if the layer writes them. [`EscapedFields`](super::escaped_fields::EscapedFields)
/// escapes the line feeds of text fields. A JSON line of a record of the crate `log` has no `log.target` and similar
/// fields beside `target`.
///
/// The inner format cannot detect whether its layer [writes colours](tracing_subscriber::fmt::Layer::with_ansi), so set
/// `Format::with_ansi` as well.
#[derive(Clone, Debug)]
pub struct WithTraceIds<F> {
    format: F,
    shape: LineFormat,
    service_name: Option<ServiceName>,
    dispatch: LineDispatch,
}

#[derive(Clone, Debug)]
struct ServiceName {
    text: String,
    json: String,
    logfmt: String,
}

impl<F> WithTraceIds<F> {
    /// Wraps a format that writes text, such as [`fmt::format()`](tracing_subscriber::fmt::format()).
    pub fn text(format: F) -> Self {
        Self::new(format, LineFormat::Text)
    }

    /// Wraps a format that writes one JSON object per line, such as `fmt::format().json()`. It requires JSON fields
    /// too:
    ///
    /// ```
    /// use tracing_core_ext::telemetry::WithTraceIds;
    /// use tracing_subscriber::fmt::{self, format::JsonFields};
    ///
    /// let lines = fmt::layer()
    ///     .fmt_fields(JsonFields::new())
    ///     .event_format(WithTraceIds::json(fmt::format().json()).service_name("checkout"));
    /// # use tracing_subscriber::layer::SubscriberExt;
    /// # drop(tracing_subscriber::registry().with(lines));
    /// ```
    pub fn json(format: F) -> Self {
        Self::new(format, LineFormat::Json)
    }

    /// Wraps a format that writes `key=value` pairs, such as [`Logfmt`](super::logfmt::Logfmt).
    pub fn logfmt(format: F) -> Self {
        Self::new(format, LineFormat::Logfmt)
    }

    fn new(format: F, shape: LineFormat) -> Self {
        Self { format, shape, service_name: None, dispatch: LineDispatch::default() }
    }

    /// Sets the subscriber that is used when a line is written.
    pub(crate) fn with_dispatch(mut self, dispatch: LineDispatch) -> Self {
        self.dispatch = dispatch;
        self
    }

    /// Adds `service.name` to each line, including lines outside of any trace.
    #[must_use]
    pub fn service_name(mut self, name: &str) -> Self {
        let text = format!(" service.name={name:?}");
        let json = format!(",\"service.name\":{}", serde_json::Value::from(name));
        let logfmt = format!(" service.name={}", Quoted(name));
        self.service_name = Some(ServiceName { text, json, logfmt });
        self
    }
}

impl<S, N, F> FormatEvent<S, N> for WithTraceIds<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let is_colorful = writer.has_ansi_escapes();
        let mut line = SuffixWriter::new(&mut writer);
        let mut escaping = EscapingWriter::new(&mut line, self.shape.escape(is_colorful));
        match self.shape {
            LineFormat::Json if event.is_log() => {
                let mut text = String::new();
                self.format.format_event(context, Writer::new(&mut text), event)?;
                escaping.write_str(&log_members::remove(text))?;
            }
            _ => self.format.format_event(context, Writer::new(&mut escaping), event)?,
        }
        let current = context.current_span();
        let lookup =
            SpanLookup { exists: |id: &_| context.exists(id), span: |id: &_| context.span(id) };
        with_context_of(event, current.id(), lookup, &self.dispatch, |context| {
            let span = context.map(Context::span);
            let ids = span.as_ref().map(|span| span.span_context()).filter(|ids| ids.is_valid());
            let service = self.service_name.as_ref();
            let attributes = LineAttributes::of(context, event, self.shape);
            match self.shape {
                LineFormat::Text => {
                    let text = Text { ids, service, attributes, is_colorful };
                    line.append(format_args!("{text}"))
                }
                LineFormat::Json => {
                    let json = Json { ids, service };
                    line.append_members(format_args!("{json}{attributes}"))
                }
                LineFormat::Logfmt => {
                    let service = service.map_or("", |service| &service.logfmt);
                    line.append(format_args!("{attributes}{service}{}", TextIds(ids)))
                }
            }
        })
    }
}

struct Text<'a> {
    ids: Option<&'a SpanContext>,
    service: Option<&'a ServiceName>,
    attributes: LineAttributes<'a>,
    is_colorful: bool,
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.attributes.fmt(f)?;
        let is_colorful = self.is_colorful && (self.ids.is_some() || self.service.is_some());
        let (dim, normal) = if is_colorful { ("\u{1b}[2m", "\u{1b}[0m") } else { ("", "") };
        f.write_str(dim)?;
        f.write_str(self.service.map_or("", |service| &service.text))?;
        TextIds(self.ids).fmt(f)?;
        f.write_str(normal)
    }
}

struct TextIds<'a>(Option<&'a SpanContext>);

impl fmt::Display for TextIds<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(ids) = self.0 else { return Ok(()) };
        let (trace_id, span_id, flags) = (ids.trace_id(), ids.span_id(), ids.trace_flags());
        write!(f, " trace_id={trace_id} span_id={span_id} trace_flags={flags:02x}")
    }
}

struct Json<'a> {
    ids: Option<&'a SpanContext>,
    service: Option<&'a ServiceName>,
}

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.service.map_or("", |service| &service.json))?;
        let Some(ids) = self.ids else { return Ok(()) };
        write!(f, r#","trace_id":"{}","span_id":"{}""#, ids.trace_id(), ids.span_id())?;
        write!(f, r#","trace_flags":"{:02x}""#, ids.trace_flags())
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::{
        Context, SpanId, TraceId,
        trace::{TraceContextExt, TraceFlags, TraceState},
    };
    use serde_json::json;
    use tracing_subscriber::{
        Layer, Registry,
        fmt::{self as lines, format::JsonFields},
        layer::SubscriberExt,
    };

    use super::*;
    use crate::telemetry::log_format::tests::CapturedLines;

    const IDS: &str = " trace_id=0af7651916cd43dd8448eb211c80319c span_id=b7ad6b7169203331";

    fn in_a_span(flags: TraceFlags) -> Context {
        Context::new().with_remote_span_context(SpanContext::new(
            TraceId::from(0x0af7651916cd43dd8448eb211c80319c_u128),
            SpanId::from(0xb7ad6b7169203331_u64),
            flags,
            true,
            TraceState::NONE,
        ))
    }

    fn logged<L: Layer<Registry> + Send + Sync>(
        layer: impl FnOnce(CapturedLines) -> L,
        context: Context,
    ) -> String {
        let kept = CapturedLines::default();
        let subscriber = tracing_subscriber::registry().with(layer(kept.clone()));
        tracing::subscriber::with_default(subscriber, || {
            let _attached = context.attach();
            let _entered = tracing::info_span!("order", item = "{tea}").entered();
            tracing::info!(left = 3, "in {{stock}}");
        });
        kept.all().join("\n")
    }

    #[test]
    fn any_text_format_gets_the_ids_at_its_end() {
        let full = || lines::format().with_ansi(false);
        for line in [
            logged_by(WithTraceIds::text(full())),
            logged_by(WithTraceIds::text(full().compact())),
            logged_by(WithTraceIds::text(full().pretty())),
        ] {
            let line = line.trim_end();
            assert!(line.ends_with(&format!("{IDS} trace_flags=01")), "{line:?}");
            assert!(line.contains("in {stock}") && line.contains("left"), "{line:?}");
        }
    }

    fn logged_by<F>(format: F) -> String
    where
        F: FormatEvent<Registry, lines::format::DefaultFields> + Send + Sync + 'static,
    {
        let layer = |to| lines::layer().with_ansi(false).with_writer(to).event_format(format);
        logged(layer, in_a_span(TraceFlags::SAMPLED))
    }

    #[test]
    fn a_trace_that_is_not_sampled_says_so() {
        let format = || WithTraceIds::text(lines::format());
        let layer = |to| lines::layer().with_ansi(false).with_writer(to).event_format(format());
        let line = logged(layer, in_a_span(TraceFlags::NOT_SAMPLED));
        assert!(line.ends_with(&format!("{IDS} trace_flags=00")), "{line:?}");
    }

    fn json_layer(to: CapturedLines) -> impl Layer<Registry> + Send + Sync {
        let format = WithTraceIds::json(lines::format().json()).service_name("the \"shop\"");
        lines::layer().with_writer(to).fmt_fields(JsonFields::new()).event_format(format)
    }

    #[test]
    fn a_json_line_has_ids_and_service_as_members() {
        let line = logged(json_layer, in_a_span(TraceFlags::SAMPLED));
        let object: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(object["trace_id"], "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(object["span_id"], "b7ad6b7169203331");
        assert_eq!(object["trace_flags"], "01");
        assert_eq!(object["service.name"], "the \"shop\"");
        assert_eq!(object["fields"], json!({ "message": "in {stock}", "left": 3 }));
        assert_eq!(object["span"]["item"], "{tea}");
    }

    #[test]
    fn a_line_outside_of_any_trace_has_no_ids_and_still_the_service() {
        let line = logged(json_layer, Context::new());
        let object: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(object["service.name"], "the \"shop\"");
        assert_eq!(object.get("trace_id"), None);

        let format = || WithTraceIds::text(lines::format()).service_name("the \"shop\"");
        let layer = |to| lines::layer().with_ansi(false).with_writer(to).event_format(format());
        let line = logged(layer, Context::new());
        assert!(line.ends_with(r#" service.name="the \"shop\"""#), "{line:?}");
    }

    #[test]
    fn ids_are_dimmed_where_the_layer_writes_colours_and_nothing_else_is_added() {
        let format = || WithTraceIds::text(lines::format().with_ansi(true));
        let layer = |to| lines::layer().with_ansi(true).with_writer(to).event_format(format());
        let line = logged(layer, in_a_span(TraceFlags::SAMPLED));
        let ids = format!("\u{1b}[2m{IDS} trace_flags=01\u{1b}[0m");
        assert!(line.ends_with(&ids) && line.contains("\u{1b}[32m INFO\u{1b}[0m"), "{line:?}");
        let line = logged(layer, Context::new());
        assert!(!line.ends_with("\u{1b}[0m"), "{line:?}");
    }

    #[test]
    fn a_line_costs_no_allocation_more_than_its_format() {
        let to_nowhere = || lines::layer().with_ansi(false).with_writer(std::io::sink);
        let plain = tracing_subscriber::registry().with(to_nowhere());
        let with_ids = to_nowhere().event_format(WithTraceIds::text(lines::format()));
        let with_ids = tracing_subscriber::registry().with(with_ids);
        let _attached = in_a_span(TraceFlags::SAMPLED).attach();
        let cost = |subscriber: tracing::Dispatch| {
            tracing::dispatcher::with_default(&subscriber, || {
                // The first line grows the buffer of the thread.
                tracing::info!("{:200}", "warm");
                allocation_counter::measure(|| tracing::info!("in stock")).count_total
            })
        };
        assert_eq!(cost(with_ids.into()), cost(plain.into()));
    }
}
