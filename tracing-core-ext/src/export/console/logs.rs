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
