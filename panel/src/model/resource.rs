//! Senders of telemetry.

use std::sync::Arc;

use super::Attributes;

/// Entity that sent spans, records or points: a service and where it runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// `service.name`; `unknown_service` where it is absent.
    pub service: Arc<str>,
    /// All attributes, `service.name` included.
    pub attributes: Attributes,
    /// Schema of the attributes.
    pub schema_url: Box<str>,
}

/// Instrumentation library that made spans, records or points.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    /// Name of the library.
    pub name: Box<str>,
    /// Version of the library.
    pub version: Box<str>,
    /// Attributes of the library.
    pub attributes: Attributes,
    /// Schema of spans, records or points.
    pub schema_url: Box<str>,
}
