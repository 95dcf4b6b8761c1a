//! Detection of resource attributes: OpenTelemetry semantic conventions, "Resources".

mod container;
mod host;
mod kubernetes;
mod os;
mod process;
mod service_instance;
mod system;

use opentelemetry::KeyValue;

pub(crate) use self::system::System;
use crate::config::resource::detectors::ResourceDetectors;

/// Returns the attributes that these detectors find. A value that cannot be read is omitted.
pub(crate) fn detect(detectors: ResourceDetectors, system: &System) -> Vec<KeyValue> {
    let mut found = Vec::new();
    if detectors.service_instance {
        found.push(service_instance::id());
    }
    if detectors.host {
        found.extend(host::attributes(system));
    }
    if detectors.os {
        found.extend(os::attributes(system));
    }
    if detectors.process {
        found.extend(process::attributes());
    }
    if detectors.process_command {
        found.extend(process::command());
    }
    if detectors.container {
        found.extend(container::attributes(system));
    }
    if detectors.kubernetes {
        found.extend(kubernetes::attributes(system));
    }
    found
}

#[cfg(test)]
mod tests;
