//! Sources of the telemetry in pages: the store of the panel, or existing backends.

#[cfg(feature = "program")]
mod backend;
#[cfg(feature = "program")]
mod http;
#[cfg(feature = "program")]
mod jaeger;
#[cfg(feature = "program")]
mod prometheus;

use std::{fmt, future::ready};

use futures_util::future::BoxFuture;

#[cfg(feature = "program")]
pub use self::backend::Backends;
use crate::{
    analysis::Window,
    model::TraceId,
    store::{InstrumentKey, Store, TraceSearch},
};

/// Source of telemetry. A page loads its data into a store and reads that store.
pub trait Source: fmt::Debug + Send + Sync {
    /// Loads the data of a page. The store may contain more.
    fn load<'a>(&'a self, need: Need<'a>) -> BoxFuture<'a, Result<Store, SourceError>>;

    /// Returns a note for the page with this address: its origin, or the data that it cannot show
    /// and the reason.
    fn notice(&self, page: &str) -> Option<String>;

    /// Whether new telemetry is pushed to pages.
    fn is_live(&self) -> bool;
}

/// Data that a page requires.
#[derive(Clone, Copy, Debug)]
pub enum Need<'a> {
    /// Spans of the requests in a window.
    Requests(Window),
    /// Traces that match a search.
    Search(&'a TraceSearch),
    /// Traces with their log records.
    Traces(&'a [TraceId]),
    /// Log records.
    Logs,
    /// Metrics with their last values.
    Instruments,
    /// One metric in a window.
    Metric(&'a InstrumentKey, Window),
}

/// Failure of a backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceError {
    /// Address of the backend.
    pub backend: String,
    /// Reason.
    pub reason: String,
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.backend, self.reason)
    }
}

impl std::error::Error for SourceError {}

/// The store of the panel contains everything.
impl Source for Store {
    fn load<'a>(&'a self, _: Need<'a>) -> BoxFuture<'a, Result<Store, SourceError>> {
        Box::pin(ready(Ok(self.clone())))
    }

    fn notice(&self, _: &str) -> Option<String> {
        None
    }

    fn is_live(&self) -> bool {
        true
    }
}
