//! The panel and the service of its entries.

use std::sync::{Arc, OnceLock};

use opentelemetry_sdk::Resource;
use tracing_panel::Panel;

/// Panel of a service. Its name is set when the pipelines start.
#[derive(Debug)]
pub(super) struct Feed {
    panel: Panel,
    service: OnceLock<Arc<str>>,
}

impl Feed {
    pub(super) const fn new(panel: Panel) -> Self {
        Self { panel, service: OnceLock::new() }
    }

    pub(super) const fn panel(&self) -> &Panel {
        &self.panel
    }

    pub(super) fn set_resource(&self, resource: &Resource) {
        let service = resource.get(&"service.name".into());
        let service = service.map(|name| Arc::from(&*name.as_str())).unwrap_or_default();
        self.service.get_or_init(|| service);
    }

    /// Returns the name of the service.
    pub(super) fn service(&self) -> Arc<str> {
        self.service.get().map(Arc::clone).unwrap_or_default()
    }
}
