use std::{
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{SpanData, SpanExporter},
};

use super::{
    json,
    options::Console,
    output::Output,
    trace_buffer::{EvictedTrace, TraceBuffer},
    waterfall::{Waterfall, WaterfallSpan},
};
use crate::{
    base::error::TelemetryError,
    export::{
        delivery::ExportState,
        pipeline::{
            Pipeline,
            context::{PipelineContext, SpanExporterOptions},
            exporter::SdkExporter,
        },
    },
};

/// Largest number of spans that wait until the root of their trace has ended, all traces together.
const MAX_SPANS: usize = 8_192;
const TOO_MANY: &str = "too many wait for their root to end";

/// Prints each span when it ends, or each trace when its local root has ended.
pub(crate) struct ConsoleExporter {
    service: String,
    console: Console,
    no_color: bool,
    output: Output,
    resource: Resource,
    export: Arc<ExportState>,
    state: Mutex<State>,
}

struct State {
    waiting: TraceBuffer,
    lost: Lost,
}

/// Spans that were received and not yet printed.
#[derive(Default)]
struct Lost {
    spans: usize,
    reason: Option<String>,
}

/// Time between two exports. It is short because a developer waits for the spans.
const EXPORT_DELAY: Duration = Duration::from_millis(100);

impl SpanExporterOptions for Console {
    fn start(self: Box<Self>, context: &PipelineContext<'_>) -> Result<Pipeline, TelemetryError> {
        let state = context.state(self.destination().to_owned(), "console_span_exporter");
        let no_color = context.config.no_color;
        let exporter =
            ConsoleExporter::new(context.service_name, &self, no_color, Arc::clone(&state));
        context.pipeline(SdkExporter(exporter), state, EXPORT_DELAY)
    }
}

impl ConsoleExporter {
    /// `no_color` is the choice of the environment. The options in `console` take precedence.
    pub(crate) fn new(
        service: &str,
        console: &Console,
        no_color: bool,
        export: Arc<ExportState>,
    ) -> Self {
        Self {
            service: service.to_owned(),
            console: console.clone(),
            no_color,
            output: console.output(),
            resource: Resource::builder_empty().build(),
            export,
            state: Mutex::new(State {
                waiting: TraceBuffer::new(MAX_SPANS),
                lost: Lost::default(),
            }),
        }
    }

    fn print_batch(&self, batch: Vec<SpanData>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match self.console.is_json() {
            true => batch.iter().for_each(|span| self.print_json(&mut state, span)),
            false => self.print_ended(&mut state, batch),
        }
        self.report_lost(&mut state);
    }

    fn print_json(&self, state: &mut State, span: &SpanData) {
        let printed = json::line(span, &self.resource).and_then(|line| self.output.print(&line));
        state.count(printed, 1);
    }

    fn print_ended(&self, state: &mut State, batch: Vec<SpanData>) {
        for span in batch {
            state.waiting.add(self.waterfall_span(span));
        }
        while let Some(ended) = state.waiting.next_ended() {
            self.print(state, &ended);
        }
        while let Some(EvictedTrace { trace_id, spans }) = state.waiting.evict() {
            let line = format!("trace {trace_id}  {spans} spans dropped: {TOO_MANY}\n");
            let _ = self.output.print(&line);
            state.count(Err(io::Error::other(TOO_MANY)), spans);
        }
    }

    fn waterfall_span(&self, span: SpanData) -> WaterfallSpan {
        match self.console.has_attributes() {
            true => WaterfallSpan::detailed(&self.service, span),
            false => WaterfallSpan::from_span_data(&self.service, span),
        }
    }

    fn print_rest(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(rest) = state.waiting.next() {
            self.print(&mut state, &rest);
        }
        self.report_lost(&mut state);
    }

    fn print(&self, state: &mut State, waterfall: &Waterfall) {
        let style = self.console.style(self.no_color);
        let printed = self.output.print(&format!("{}\n", waterfall.render(style)));
        state.count(printed, waterfall.spans().len());
    }

    fn report_lost(&self, state: &mut State) {
        let lost = std::mem::take(&mut state.lost);
        if let Some(reason) = lost.reason {
            self.export.counts().reject(lost.spans as u64, reason);
        }
    }
}

impl State {
    fn count(&mut self, printed: io::Result<()>, spans: usize) {
        if let Err(error) = printed {
            self.lost.spans += spans;
            self.lost.reason = Some(error.to_string());
        }
    }
}

impl SpanExporter for ConsoleExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.print_batch(batch);
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        self.print_rest();
        Ok(())
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.resource = resource.clone();
    }
}

impl fmt::Debug for ConsoleExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleExporter")
            .field("service", &self.service)
            .field("console", &self.console)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
