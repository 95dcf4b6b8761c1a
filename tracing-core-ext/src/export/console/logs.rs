use std::time::Duration;

use opentelemetry_sdk::Resource;

use super::{json, options::Console, output::Output};
use crate::{
    base::error::TelemetryError,
    export::{
        delivery::Outcome,
        pipeline::{
            context::PipelineContext,
            logs::{LogExporter, LogExporterOptions, LogPipeline},
        },
    },
    logs::LogRecord,
};

/// Time between two exports. It is short because a developer waits for the records.
const EXPORT_DELAY: Duration = Duration::from_millis(100);

/// Prints log records as JSON, one on a line.
struct ConsoleLogExporter {
    output: Output,
    resource: Resource,
}

impl LogExporterOptions for Console {
    fn start(
        self: Box<Self>,
        context: &PipelineContext<'_>,
    ) -> Result<LogPipeline, TelemetryError> {
        let state = context.log_state(self.destination().to_owned(), "console_log_exporter");
        let resource = Resource::builder_empty().build();
        let exporter = ConsoleLogExporter { output: self.output(), resource };
        context.log_pipeline(exporter, state, EXPORT_DELAY)
    }
}

impl LogExporter for ConsoleLogExporter {
    fn export(&mut self, records: &[&LogRecord]) -> Outcome {
        records.iter().fold(Outcome::default(), |outcome, record| outcome.and(self.print(record)))
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.clone();
    }
}

impl ConsoleLogExporter {
    fn print(&self, record: &LogRecord) -> Outcome {
        let printed = json::log_line(record, &self.resource);
        match printed.and_then(|line| self.output.print(&line)) {
            Ok(()) => Outcome::delivered(),
            Err(error) => Outcome::failed(error.to_string()).of_items(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_sdk::trace::InMemorySpanExporter;
    use tracing::dispatcher::with_default;

    use super::*;
    use crate::{export::console::output::tests::Page, telemetry::Telemetry};

    const HOSTILE: &str = "tea\nERROR forged\u{9b}31m\u{202e}\u{1b}[2J";

    #[test]
    fn records_are_lines_of_json_that_no_value_breaks() {
        let page = Page::default();
        let mut builder = Telemetry::builder().variables(|_| None).service_name("shop");
        builder.log_records.additions.push(Box::new(Console::new().writer(page.clone())));
        let builder = builder.exporter(InMemorySpanExporter::default()).log_writer(std::io::sink);
        let (telemetry, dispatch) = builder.build().unwrap();
        with_default(&dispatch, || {
            tracing::info_span!("order").in_scope(|| {
                tracing::warn!(name: "sold", target: "stock", user = HOSTILE, n = 7, r = 0.5, ok = true, "{HOSTILE}");
            });
            tracing::info!("outside");
        });
        telemetry.shutdown().unwrap();
        let text = page.text();
        let is_unprintable = |it: char| it != '\n' && it.is_control() || it == '\u{202e}';
        assert!(!text.contains(is_unprintable), "{text}");
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [sold, outside] = &lines[..] else { panic!("{text}") };
        let expected = serde_json::json!({
            "user": HOSTILE, "n": 7, "r": 0.5, "ok": true,
            "code.file.path": file!(), "code.line.number": sold["attributes"]["code.line.number"],
        });
        assert_eq!(sold["attributes"], expected);
        assert_eq!((&sold["body"], &sold["event_name"]), (&HOSTILE.into(), &"sold".into()));
        assert_eq!((&sold["severity"], &sold["severity_number"]), (&"WARN".into(), &13.into()));
        assert_eq!(sold["scope"]["name"], "stock");
        assert_eq!(sold["resource"]["attributes"]["service.name"], "shop");
        assert_eq!(sold["trace_id"].as_str().unwrap().len(), 32);
        assert_eq!(
            (sold["span_id"].as_str().unwrap().len(), &sold["trace_flags"]),
            (16, &"03".into())
        );
        assert_eq!((outside.get("trace_id"), outside.get("event_name")), (None, None));
    }
}
