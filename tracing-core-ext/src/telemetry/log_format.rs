use std::io::{self, IsTerminal};

use tracing::Subscriber;
use tracing_subscriber::{
    Layer,
    fmt::{
        format::{Format, Json, JsonFields},
        writer::BoxMakeWriter,
    },
    registry::LookupSpan,
};

use crate::bridge::with_trace_ids::WithTraceIds;

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum LogFormat {
    /// One line of text: time, level, spans, target, message and fields, and at its end
    /// ` trace_id=… span_id=… trace_flags=…`, see [`WithTraceIds`].
    #[default]
    Text,
    /// One JSON object a line, with the members `trace_id`, `span_id`, `trace_flags` and `service.name`.
    Json,
}

/// Where log lines go, and how they look.
pub(crate) struct LogLayerConfig {
    pub(crate) format: LogFormat,
    pub(crate) writer: Option<BoxMakeWriter>,
    pub(crate) no_color: bool,
    pub(crate) service_name: Option<String>,
}

impl LogLayerConfig {
    pub(crate) fn layer<S>(self) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let color = self.is_colorful();
        let writer = self.writer.unwrap_or_else(|| BoxMakeWriter::new(io::stderr));
        let lines = tracing_subscriber::fmt::layer().with_writer(writer);
        match self.format {
            LogFormat::Text => lines
                .with_ansi(color)
                .event_format(WithTraceIds::text(Format::default().compact().with_ansi(color)))
                .boxed(),
            LogFormat::Json => lines
                .with_ansi(false)
                .fmt_fields(JsonFields::new())
                .event_format(json(self.service_name.as_deref()))
                .boxed(),
        }
    }

    fn is_colorful(&self) -> bool {
        self.writer.is_none() && !self.no_color && io::stderr().is_terminal()
    }
}

fn json(service_name: Option<&str>) -> WithTraceIds<Format<Json>> {
    let format = WithTraceIds::json(Format::default().json().with_ansi(false));
    match service_name {
        Some(name) => format.service_name(name),
        None => format,
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

    /// Log lines kept for a test to read.
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
    fn a_line_outside_of_any_trace_has_no_ids_at_all() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let line = logged(format, Context::new());
            assert!(line.contains("stock"), "{line}");
            assert!(!line.contains("trace_id") && !line.contains("span_id"), "{line}");
        }
    }
}
