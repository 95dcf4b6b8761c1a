//! Options of spans.

use std::sync::Arc;

use opentelemetry_sdk::trace::{ShouldSample, SpanData, SpanExporter, SpanProcessor};

use super::TelemetryBuilder;
use crate::{
    export::{console::Console, pipeline::exporter::SdkExporter},
    trace::Sampler,
};

impl TelemetryBuilder {
    /// Prints spans on standard output. [`Console::new`], a waterfall for each trace, is the
    /// default if neither code nor environment sets an exporter.
    ///
    /// Spans are exported by every exporter that is set in code. Those of the environment are then
    /// not used.
    pub fn console(mut self, console: Console) -> Self {
        self.exporters.push(Box::new(console));
        self
    }

    /// Exports spans with this exporter. It is called on its own thread.
    pub fn exporter(mut self, exporter: impl SpanExporter + 'static) -> Self {
        self.exporters.push(Box::new(SdkExporter(exporter)));
        self
    }

    /// Calls this function for each span before it is exported, for example to remove personal
    /// data. It may change the span, and returns whether the span is exported. It runs on the
    /// export threads, once for each exporter, so requests do not wait for it. A
    /// [`span_processor`](Self::span_processor) receives spans without these changes.
    ///
    /// A removed span is not counted as lost. If the function panics, the span is not exported,
    /// because it may still contain the data. It is counted as lost, and the message of the panic
    /// is logged.
    ///
    /// ```
    /// use tracing_core_ext::telemetry::Telemetry;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (telemetry, _subscriber) = Telemetry::builder()
    ///     .service_name("checkout")
    ///     .before_export(|span| {
    ///         span.attributes.retain(|attribute| attribute.key.as_str() != "user.email");
    ///         span.name != "GET /health"
    ///     })
    ///     .build()?;
    /// # telemetry.shutdown()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn before_export(
        mut self,
        hook: impl Fn(&mut SpanData) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.before_export = Some(Arc::new(hook));
        self
    }

    /// Adds a processor of the SDK. It receives the end of each span, on the thread that ends it. Its `on_start` is not
    /// called, because it requires a span of the SDK.
    pub fn span_processor(mut self, processor: impl SpanProcessor + 'static) -> Self {
        self.span_processors.push(Box::new(processor));
        self
    }

    /// Limits the size in memory of the spans that wait for each exporter, in addition to
    /// `OTEL_BSP_MAX_QUEUE_SIZE`, which limits their number. Spans beyond it are counted as lost.
    /// The default is 64 MiB; a limit below 1 MiB is an error.
    pub fn max_queue_bytes(mut self, bytes: usize) -> Self {
        self.max_queue_bytes = Some(bytes);
        self
    }

    /// Sets the sampler. Takes precedence over `OTEL_TRACES_SAMPLER`. By default a span is recorded
    /// if its parent is, and every trace that starts here is recorded.
    ///
    /// ```
    /// use tracing_core_ext::{telemetry::Telemetry, trace::Sampler};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let one_in_a_hundred = Sampler::parent_based(Sampler::trace_id_ratio(0.01));
    /// let (telemetry, _subscriber) =
    ///     Telemetry::builder().service_name("checkout").sampler(one_in_a_hundred).build()?;
    /// # telemetry.shutdown()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn sampler(mut self, sampler: impl ShouldSample + 'static) -> Self {
        self.sampler = Some(Sampler::custom(sampler));
        self
    }
}
