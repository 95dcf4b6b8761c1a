/// Detectors of resource attributes, for
/// [`TelemetryBuilder::resource_detectors`](crate::telemetry::TelemetryBuilder::resource_detectors).
///
/// | detector | attributes |
/// | --- | --- |
/// | [`service_instance`](Self::service_instance) | `service.instance.id`, a random UUID for each process |
/// | [`host`](Self::host) | `host.name`, `host.arch`, and outside of containers `host.id` from `/etc/machine-id` |
/// | [`os`](Self::os) | `os.type`, and from `/etc/os-release` `os.name`, `os.version` and `os.description` |
/// | [`process`](Self::process) | `process.pid`, `process.executable.name`, `process.runtime.name`, `.version` and `.description` |
/// | [`process_command`](Self::process_command) | `process.command` and `process.command_args`, which may contain secrets |
/// | [`container`](Self::container) | `container.id` from the control groups (versions 1 and 2) and the mounts of the process |
/// | [`kubernetes`](Self::kubernetes) | `k8s.namespace.name` from the service account or a variable; `k8s.pod.uid` from a variable or the control groups; `k8s.pod.name`, `k8s.node.name`, `k8s.container.name`, `k8s.deployment.name` and `k8s.cluster.name` from variables |
///
/// In a pod the variables are set with the downward API (`fieldRef`). For `k8s.pod.name` they are
/// `K8S_POD_NAME`, `OTEL_RESOURCE_ATTRIBUTES_POD_NAME` and `POD_NAME`, and likewise for the others;
/// the namespace has `K8S_NAMESPACE` and `POD_NAMESPACE` as well.
///
/// A value that cannot be read is omitted. Attributes of code and of `OTEL_RESOURCE_ATTRIBUTES` take
/// precedence over detected ones.
///
/// ```
/// use tracing_core_ext::telemetry::{ResourceDetectors, Telemetry};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (telemetry, _subscriber) = Telemetry::builder()
///     .service_name("checkout")
///     .resource_detectors(ResourceDetectors::all().host(false))
///     .build()?;
/// # telemetry.shutdown()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "it is an argument of TelemetryBuilder::resource_detectors"]
pub struct ResourceDetectors {
    pub(crate) service_instance: bool,
    pub(crate) host: bool,
    pub(crate) os: bool,
    pub(crate) process: bool,
    pub(crate) process_command: bool,
    pub(crate) container: bool,
    pub(crate) kubernetes: bool,
}

impl ResourceDetectors {
    /// Returns all detectors but [`process_command`](Self::process_command). This is the default.
    pub const fn all() -> Self {
        Self {
            service_instance: true,
            host: true,
            os: true,
            process: true,
            process_command: false,
            container: true,
            kubernetes: true,
        }
    }

    /// Returns no detectors.
    pub const fn none() -> Self {
        Self {
            service_instance: false,
            host: false,
            os: false,
            process: false,
            process_command: false,
            container: false,
            kubernetes: false,
        }
    }

    /// Switches the detector of `service.instance.id`.
    pub const fn service_instance(mut self, is_on: bool) -> Self {
        self.service_instance = is_on;
        self
    }

    /// Switches the detector of `host.*`.
    pub const fn host(mut self, is_on: bool) -> Self {
        self.host = is_on;
        self
    }

    /// Switches the detector of `os.*`.
    pub const fn os(mut self, is_on: bool) -> Self {
        self.os = is_on;
        self
    }

    /// Switches the detector of `process.*`, without the command line.
    pub const fn process(mut self, is_on: bool) -> Self {
        self.process = is_on;
        self
    }

    /// Switches the detector of the command line, which may contain secrets. It is off by default.
    pub const fn process_command(mut self, is_on: bool) -> Self {
        self.process_command = is_on;
        self
    }

    /// Switches the detector of `container.id`.
    pub const fn container(mut self, is_on: bool) -> Self {
        self.container = is_on;
        self
    }

    /// Switches the detector of `k8s.*`.
    pub const fn kubernetes(mut self, is_on: bool) -> Self {
        self.kubernetes = is_on;
        self
    }
}

impl Default for ResourceDetectors {
    fn default() -> Self {
        Self::all()
    }
}
