use std::{
    fmt,
    io::{self, IsTerminal},
    sync::Arc,
};

use tracing::Subscriber;
use tracing_subscriber::{
    Layer,
    fmt::{
        FormatEvent, FormatFields,
        format::{Format, Full, JsonFields, Pretty, Writer},
        time::{FormatTime, SystemTime},
        writer::BoxMakeWriter,
    },
    registry::LookupSpan,
};

use crate::bridge::log_lines::{
    escaped_fields::EscapedFields, lazy_fields::LazyFields, line_span::LineDispatch,
    logfmt::Logfmt, with_trace_ids::WithTraceIds,
};

/// Format of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum LogFormat {
    /// One line of text: time, level, spans, target, message and fields, then the fields of the spans, and at its end
    /// ` trace_id=… span_id=… trace_flags=…`, see [`WithTraceIds`].
    #[default]
    Text,
    /// One line of text in which each span is followed by its fields.
    Full,
    /// Several lines of text, for reading during development.
    Pretty,
    /// One JSON object a line, with the members `trace_id`, `span_id`, `trace_flags` and `service.name`.
    Json,
    /// One line of `key=value` pairs, which ends like a line of [`Text`](Self::Text): see
    /// [`Logfmt`](crate::telemetry::Logfmt).
    Logfmt,
}

/// Parts of a log line, in any format.
#[derive(Clone, Debug)]
pub(crate) struct LogStyle {
    pub(crate) ansi: Option<bool>,
    pub(crate) target: bool,
    pub(crate) source_location: bool,
    pub(crate) thread_names: bool,
    pub(crate) time: bool,
    pub(crate) timer: Timer,
}

impl Default for LogStyle {
    fn default() -> Self {
        Self {
            ansi: None,
            target: true,
            source_location: false,
            thread_names: false,
            time: true,
            timer: Timer(Arc::new(SystemTime)),
        }
    }
}

/// Timer for the time of a line.
#[derive(Clone)]
pub(crate) struct Timer(pub(crate) Arc<dyn FormatTime + Send + Sync>);

impl FormatTime for Timer {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        self.0.format_time(writer)
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Timer(..)")
    }
}

/// Options of log lines.
pub(crate) struct LogLayerConfig {
    pub(crate) format: LogFormat,
    pub(crate) style: LogStyle,
    pub(crate) writer: Option<BoxMakeWriter>,
    pub(crate) no_color: bool,
    pub(crate) service_name: Option<String>,
}

impl LogLayerConfig {
    pub(crate) fn layer<S>(self) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let format = self.line();
        match self.format {
            LogFormat::Text => self.text(EscapedFields::new(), format.compact()),
            LogFormat::Full => self.text(EscapedFields::new(), format),
            LogFormat::Pretty => self.text(Pretty::default(), format.pretty()),
            LogFormat::Json => {
                let mut format = WithTraceIds::json(format.json().with_ansi(false));
                if let Some(name) = &self.service_name {
                    format = format.service_name(name);
                }
                self.lines(JsonFields::new(), format, false)
            }
            LogFormat::Logfmt => {
                let mut format = WithTraceIds::logfmt(self.logfmt());
                if let Some(name) = &self.service_name {
                    format = format.service_name(name);
                }
                self.lines(Logfmt::new(), format, false)
            }
        }
    }

    /// Returns the format from which the other formats are made.
    fn line(&self) -> Format<Full, Timer> {
        let style = &self.style;
        let format = match style.time {
            true => Format::default().with_timer(style.timer.clone()),
            // A timer that is set later is not used, but it makes the types equal.
            false => Format::default().without_time().with_timer(style.timer.clone()),
        };
        format
            .with_ansi(self.is_colorful())
            .with_target(style.target)
            .with_file(style.source_location)
            .with_line_number(style.source_location)
            .with_thread_names(style.thread_names)
    }

    fn logfmt(&self) -> Logfmt<Timer> {
        Logfmt {
            timer: self.style.time.then(|| self.style.timer.clone()),
            has_target: self.style.target,
            has_source_location: self.style.source_location,
            has_thread_names: self.style.thread_names,
        }
    }

    fn text<S, N, F>(self, fields: N, format: F) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
        N: for<'a> FormatFields<'a> + Send + Sync + 'static,
        F: FormatEvent<S, N> + Send + Sync + 'static,
    {
        let is_colorful = self.is_colorful();
        self.lines(fields, WithTraceIds::text(format), is_colorful)
    }

    fn lines<S, N, F>(
        self,
        fields: N,
        format: WithTraceIds<F>,
        is_colorful: bool,
    ) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
        N: for<'a> FormatFields<'a> + Send + Sync + 'static,
        F: FormatEvent<S, N> + Send + Sync + 'static,
    {
        let dispatch = LineDispatch::default();
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(self.writer.unwrap_or_else(|| BoxMakeWriter::new(io::stderr)))
            .with_ansi(is_colorful)
            .fmt_fields(fields)
            .event_format(format.with_dispatch(dispatch.share()));
        LazyFields::new(lines, dispatch).boxed()
    }

    fn is_colorful(&self) -> bool {
        let is_terminal = || self.writer.is_none() && !self.no_color && io::stderr().is_terminal();
        self.style.ansi.unwrap_or_else(is_terminal)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Arc, Mutex};

    use opentelemetry::{
        Context, SpanId, TraceId,
        trace::{SpanContext, TraceContextExt, TraceFlags, TraceState},
    };
    use tracing_subscriber::{fmt::MakeWriter, layer::SubscriberExt};

    use super::*;

    const TRACE_ID: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN_ID: &str = "b7ad6b7169203331";

    /// Captured log lines for a test.
    #[derive(Clone, Default)]
    pub(crate) struct CapturedLines(Arc<Mutex<Vec<u8>>>);

    impl CapturedLines {
        pub(crate) fn all(&self) -> Vec<String> {
            let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
            text.lines().map(str::to_owned).collect()
        }
    }

    impl io::Write for CapturedLines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for CapturedLines {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    fn logged(format: LogFormat, context: Context) -> String {
        let lines = CapturedLines::default();
        let layer = LogLayerConfig {
            format,
            style: LogStyle::default(),
            writer: Some(BoxMakeWriter::new(lines.clone())),
            no_color: false,
            service_name: Some("shop".to_owned()),
        };
        let subscriber = tracing_subscriber::registry().with(layer.layer());
        tracing::subscriber::with_default(subscriber, || {
            let _attached = context.attach();
            let _entered = tracing::info_span!("order", item = "tea").entered();
            tracing::info!(left = 3, "in \"stock\"");
        });
        lines.all().remove(0)
    }

    fn in_a_span() -> Context {
        Context::new().with_remote_span_context(SpanContext::new(
            TraceId::from_hex(TRACE_ID).unwrap(),
            SpanId::from_hex(SPAN_ID).unwrap(),
            TraceFlags::SAMPLED,
            true,
            TraceState::NONE,
        ))
    }

    #[test]
    fn a_text_line_ends_with_the_ids() {
        let line = logged(LogFormat::Text, in_a_span());
        let (start, ids) = line.split_once(" trace_id=").unwrap();
        assert_eq!(ids, format!("{TRACE_ID} span_id={SPAN_ID} trace_flags=01"));
        assert!(start.contains(" INFO order: "), "{line}");
        assert!(start.contains("in \"stock\" left=3 item=\"tea\""), "{line}");
    }

    #[test]
    fn a_json_line_has_the_ids_as_members() {
        let line = logged(LogFormat::Json, in_a_span());
        let object: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(object["trace_id"], TRACE_ID);
        assert_eq!(object["span_id"], SPAN_ID);
        assert_eq!(object["service.name"], "shop");
        assert_eq!(object["fields"]["message"], "in \"stock\"");
        assert_eq!(object["span"]["item"], "tea");
    }

    #[test]
    fn a_logfmt_line_ends_with_service_and_ids() {
        let line = logged(LogFormat::Logfmt, in_a_span());
        let (start, ids) = line.split_once(" service.name=shop trace_id=").unwrap();
        assert_eq!(ids, format!("{TRACE_ID} span_id={SPAN_ID} trace_flags=01"));
        assert!(start.starts_with("time=2") && start.contains("Z level=info target="), "{line}");
        assert!(start.ends_with(r#" message="in \"stock\"" left=3 span=order item=tea"#), "{line}");
    }

    #[test]
    fn a_line_outside_of_a_trace_has_no_ids() {
        for format in [LogFormat::Text, LogFormat::Json, LogFormat::Logfmt] {
            let line = logged(format, Context::new());
            assert!(line.contains("stock"), "{line}");
            assert!(!line.contains("trace_id") && !line.contains("span_id"), "{line}");
        }
    }
}
