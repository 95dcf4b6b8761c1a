//! Exported log records of a service.

use std::{sync::Arc, time::Duration};

use opentelemetry_sdk::error::OTelSdkResult;
use tracing::{Dispatch, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer, registry::LookupSpan};

use crate::{
    bridge::log_export::LogExportLayer,
    config::{
        Config,
        log_filter::{LogFilter, LogFilterHandle},
        logs::ExceptionSignal,
    },
    export::{
        delivery::{ExportLoss, ExportState},
        pipeline::logs::LogPipeline,
    },
    logs::{ExceptionLog, LogProcessor, Logger},
    trace::TracerProvider,
};

/// Pipelines of log records, and the logger that reaches them.
#[derive(Debug)]
pub(crate) struct LogRecords {
    pipelines: Vec<LogPipeline>,
    /// `None` if log records are not exported.
    logger: Option<Logger>,
    filter: LogFilterHandle,
}

/// Exported log records of a subscriber.
pub(crate) struct LogSource {
    logger: Logger,
    provider: TracerProvider,
    filter: LogFilter,
}

impl LogRecords {
    /// Exports the records that `filter` selects to these pipelines.
    pub(crate) fn new(pipelines: Vec<LogPipeline>, filter: &LogFilter, config: &Config) -> Self {
        // A filter that no layer has would count as used.
        let filter = filter.handle();
        let boxed = |pipeline: &LogPipeline| Box::new(pipeline.clone()) as Box<dyn LogProcessor>;
        let processors: Vec<_> = pipelines.iter().map(boxed).collect();
        let logger = (!processors.is_empty()).then(|| Logger::new(processors, config.logs.limits));
        Self { pipelines, logger, filter }
    }

    /// Exports nothing.
    pub(crate) fn none() -> Self {
        Self { pipelines: Vec::new(), logger: None, filter: LogFilter::default().handle() }
    }

    /// Returns the log of exceptions, if they are log records.
    pub(crate) fn exception_log(&self, signal: ExceptionSignal) -> Option<ExceptionLog> {
        let has_span_events = match signal {
            ExceptionSignal::SpanEvents => return None,
            ExceptionSignal::Logs => false,
            ExceptionSignal::LogsAndSpanEvents => true,
        };
        Some(ExceptionLog::new(self.logger.clone()?, has_span_events))
    }

    /// Returns what a subscriber requires to export events in the spans of `provider`.
    pub(crate) fn source(&self, provider: &TracerProvider) -> Option<LogSource> {
        let (logger, provider) = (self.logger.clone()?, provider.clone());
        Some(LogSource { logger, provider, filter: self.filter.filter() })
    }

    /// Returns the layer that exports events in the spans of `provider`, or one that disables everything.
    pub(crate) fn layer<S>(&self, provider: &TracerProvider) -> Box<dyn Layer<S> + Send + Sync>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        match self.source(provider) {
            Some(source) => source.layer().boxed(),
            None => {
                tracing_subscriber::layer::Identity::new().with_filter(LevelFilter::OFF).boxed()
            }
        }
    }

    pub(crate) fn states(&self) -> impl Iterator<Item = Arc<ExportState>> {
        self.pipelines.iter().map(|pipeline| Arc::clone(pipeline.state()))
    }

    /// Sets the subscriber that receives the log lines about exports.
    pub(crate) fn log_to(&self, dispatch: &Dispatch) {
        self.pipelines.iter().for_each(|pipeline| pipeline.state().log_to(dispatch));
    }

    pub(crate) fn flush(&self) -> OTelSdkResult {
        self.pipelines.iter().map(LogPipeline::flush).fold(Ok(()), Result::and)
    }

    /// Ignores later events, and makes the threads export the waiting records and end.
    pub(crate) fn close(&self) {
        self.logger.iter().for_each(Logger::shut_down);
        self.pipelines.iter().for_each(LogPipeline::close);
    }

    /// Whether every pipeline has ended in time. Each of them is waited for.
    pub(crate) fn end_within(&self, left: impl Fn() -> Duration) -> bool {
        let ends = self.pipelines.iter().map(|pipeline| pipeline.close_within(left()).is_ok());
        ends.fold(true, |all, ended| all & ended)
    }

    pub(crate) fn losses(&self) -> impl Iterator<Item = ExportLoss> {
        self.pipelines.iter().filter_map(|pipeline| pipeline.state().loss())
    }
}

impl LogSource {
    /// Returns the layer that exports the events that the filter selects.
    pub(crate) fn layer<S>(self) -> impl Layer<S> + Send + Sync
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        LogExportLayer::new(self.logger, self.provider).with_filter(self.filter)
    }
}
