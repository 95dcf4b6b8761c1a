//! Parts that an optional feature adds to the set-up of a service.

use crate::{export::pipeline::context::SpanExporterOptions, telemetry::subscriber::BoxLayer};

/// Parts besides those that code and environment select. None of them changes that selection.
#[derive(Default)]
pub(crate) struct Additions {
    pub(crate) exporters: Vec<Box<dyn SpanExporterOptions>>,
    /// Layers of the subscriber, if this crate makes it.
    pub(crate) layers: Vec<BoxLayer>,
    /// Log lines about the set-up.
    pub(crate) notices: Vec<Box<dyn FnOnce() + Send>>,
}
