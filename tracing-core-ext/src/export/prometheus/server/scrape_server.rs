//! Endpoint of a service, and its listener.

use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, atomic::AtomicU64},
};

use super::{
    control::ControlRoutes, control_access::ControlAccess, endpoint::Endpoint, listener::Listener,
};
use crate::export::prometheus::registry::Registry;
use crate::{
    base::error::TelemetryError,
    config::control::Control,
    export::{
        delivery::{ShutdownTask, StatusSource},
        metrics::{MetricsContext, MetricsOutput},
    },
    metrics::exemplars::{self, Exemplars},
};

/// Endpoint that responds to scrapes, and its listener.
#[derive(Debug)]
pub(crate) struct ScrapeServer {
    registry: Registry,
    exemplars: Arc<Exemplars>,
    endpoint: Endpoint,
    control: Option<Arc<ControlRoutes>>,
    socket: Option<TcpListener>,
    listener: Option<Listener>,
}

impl ScrapeServer {
    pub(crate) fn new(
        registry: Registry,
        socket: Option<TcpListener>,
        access: Option<ControlAccess>,
        context: &MetricsContext<'_>,
    ) -> Self {
        let exemplars = Arc::<Exemplars>::default();
        let exporters = context.exporters.clone();
        let endpoint =
            Endpoint::new(registry.clone(), Arc::clone(&exemplars), context.resource, exporters);
        let control = access.map(|access| Arc::new(ControlRoutes::new(access)));
        Self { registry, exemplars, endpoint, control, socket, listener: None }
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    #[cfg(test)]
    pub(crate) fn exemplars(&self) -> &Exemplars {
        &self.exemplars
    }

    /// Returns the address of the listener, with the assigned port if the configured port is 0.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.listener.as_ref().map(Listener::address)
    }
}

impl MetricsOutput for ScrapeServer {
    fn callback_panics(&self) -> Option<Arc<AtomicU64>> {
        Some(self.registry.callback_panics())
    }

    /// Starts the listener on the socket, if there is one.
    fn start(&mut self) -> Result<(), TelemetryError> {
        let socket = self.socket.take();
        let start = |socket| Listener::start(socket, self.endpoint.clone(), self.control.clone());
        let listener = socket.map(start);
        self.listener = listener.transpose().map_err(TelemetryError::exporter)?;
        Ok(())
    }

    fn install(&self) {
        exemplars::set_global_exemplars(Arc::clone(&self.exemplars));
    }

    fn set_control(&self, control: &Control, status: &Arc<StatusSource>) {
        self.endpoint.set_status(status);
        self.control.iter().for_each(|routes| routes.set_control(control));
    }

    fn start_draining(&self) {
        self.endpoint.shut_down();
    }

    /// Closes the listener, after the response to the current scrape.
    fn shutdown_task(&mut self) -> Option<ShutdownTask> {
        let listener = self.listener.take()?;
        Some(Box::new(move || drop(listener)))
    }
}
