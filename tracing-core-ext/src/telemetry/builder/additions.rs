//! Parts that an optional feature adds to the set-up of a service.

use crate::{
    config::log_filter::LogFilter, export::pipeline::context::SpanExporterOptions,
    telemetry::subscriber::BoxLayer,
};

/// Parts besides those that code and environment select. None of them changes that selection.
#[derive(Default)]
pub(crate) struct Additions {
    pub(crate) exporters: Vec<Box<dyn SpanExporterOptions>>,
    /// Layers of the subscriber, if this crate makes it.
    pub(crate) layers: Vec<MakeLayer>,
    /// Log lines about the set-up.
    pub(crate) notices: Vec<Box<dyn FnOnce() + Send>>,
}

/// Makes a layer. Its argument is the filter of the log lines.
pub(crate) type MakeLayer = Box<dyn FnOnce(LogFilter) -> BoxLayer + Send>;

impl Additions {
    /// Returns the layers, with filters like this one.
    pub(crate) fn make_layers(&mut self, filter: &LogFilter) -> Vec<BoxLayer> {
        std::mem::take(&mut self.layers).into_iter().map(|make| make(filter.duplicate())).collect()
    }
}
