//! Receiver of OTLP over gRPC.

use axum::Router;

use crate::{otlp::grpc::grpc_routes, panel::Panel};

impl Panel {
    /// Returns the receiver of OTLP over gRPC. The server must accept HTTP/2.
    pub fn grpc_receiver(&self) -> Router {
        self.guard_receiver(grpc_routes(self.intake().clone()))
    }
}
