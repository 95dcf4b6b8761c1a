//! Store, pages and receivers.

use axum::Router;

use crate::{
    otlp::{self, Archive, Intake},
    store::Store,
    web::{self, Access},
};

/// Telemetry in memory with its pages and receivers.
#[derive(Clone, Debug)]
pub struct Panel {
    intake: Intake,
    access: Access,
}

impl Default for Panel {
    fn default() -> Self {
        Self { intake: Intake::new(Store::default()), access: Access::Loopback }
    }
}

impl Panel {
    /// Returns an empty panel with the default limit of memory, for requests from this machine.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the store by an empty one with this limit, in bytes.
    #[must_use]
    pub fn with_memory(mut self, bytes: usize) -> Self {
        self.intake.store = Store::new(bytes);
        self
    }

    /// Sets the condition of access to pages.
    #[must_use]
    pub fn with_access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Condition of access to pages.
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// Appends received requests to this archive. Spans, records and points that are added to the
    /// store directly are not appended.
    #[must_use]
    pub fn with_archive(mut self, archive: Archive) -> Self {
        self.intake.archive = Some(archive);
        self
    }

    /// Entrance of requests in terms of OTLP.
    pub fn intake(&self) -> &Intake {
        &self.intake
    }

    /// Store of the panel.
    pub fn store(&self) -> &Store {
        &self.intake.store
    }

    /// Returns pages, the JSON API and live events. They are at the root of their address.
    pub fn routes(&self) -> Router {
        web::routes(self.intake.clone(), self.access.clone())
    }

    /// Returns the receiver of OTLP over HTTP: `/v1/traces`, `/v1/logs`, `/v1/metrics`.
    pub fn http_receiver(&self) -> Router {
        otlp::http_routes(self.intake.clone())
    }

    /// Returns the receiver of OTLP over gRPC. The server must accept HTTP/2.
    pub fn grpc_receiver(&self) -> Router {
        otlp::grpc_routes(self.intake.clone())
    }
}
