//! Senders of telemetry.

use std::sync::Arc;

use super::Attributes;

/// Entity that sent spans, records or points: a service and the place where it runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Resource {
    /// `service.name`, or `unknown_service` if it is absent.
    pub service: Arc<str>,
    /// All attributes, including `service.name`.
    pub attributes: Attributes,
    /// Schema of the attributes.
    pub schema_url: Box<str>,
}

/// Instrumentation library that created spans, records or points.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    /// Name of the library.
    pub name: Box<str>,
    /// Version of the library.
    pub version: Box<str>,
    /// Attributes of the library.
    pub attributes: Attributes,
    /// Schema of the spans, records or points.
    pub schema_url: Box<str>,
}
