//! The panel and the resource of its entries.

use std::sync::{Arc, OnceLock};

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::{
    tonic::resource::v1::Resource as ProtoResource,
    transform::common::tonic::ResourceAttributesWithSchema,
};
use opentelemetry_sdk::Resource;
use tracing_panel::Panel;

/// Panel of a service. The resource is set when the pipelines start.
#[derive(Debug)]
pub(super) struct Feed {
    panel: Panel,
    resource: OnceLock<(Arc<str>, Vec<KeyValue>)>,
}

impl Feed {
    pub(super) const fn new(panel: Panel) -> Self {
        Self { panel, resource: OnceLock::new() }
    }

    pub(super) const fn panel(&self) -> &Panel {
        &self.panel
    }

    pub(super) fn set_resource(&self, resource: &Resource) {
        let service = resource.get(&"service.name".into());
        let service = service.map(|name| Arc::from(&*name.as_str())).unwrap_or_default();
        let attributes = ResourceAttributesWithSchema::from(resource).attributes.0;
        self.resource.get_or_init(|| (service, attributes));
    }

    /// Returns the name of the service.
    pub(super) fn service(&self) -> Arc<str> {
        self.resource.get().map(|(service, _)| Arc::clone(service)).unwrap_or_default()
    }

    /// Returns the resource in terms of OTLP.
    pub(super) fn resource(&self) -> Option<ProtoResource> {
        let (_, attributes) = self.resource.get()?;
        Some(ProtoResource { attributes: attributes.clone(), ..ProtoResource::default() })
    }
}
