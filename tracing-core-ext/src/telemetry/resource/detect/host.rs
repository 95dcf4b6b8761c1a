use std::env::consts::ARCH;

use opentelemetry::KeyValue;

use super::{System, container};

pub(super) fn attributes(system: &System) -> impl Iterator<Item = KeyValue> {
    let name = system
        .value("/proc/sys/kernel/hostname")
        .or_else(|| system.value("/etc/hostname"))
        .or_else(|| system.variable(&["HOSTNAME", "COMPUTERNAME"]));
    let arch = Some(arch(ARCH).to_owned());
    let found = [("host.name", name), ("host.id", id(system)), ("host.arch", arch)];
    found.into_iter().filter_map(|(key, value)| Some(KeyValue::new(key, value?)))
}

/// Returns the id of the machine. "This should be the machine-id" only for "non-containerized
/// systems", because the file of a container belongs to its image.
fn id(system: &System) -> Option<String> {
    if container::is_container(system) {
        return None;
    }
    let ids = ["/etc/machine-id", "/var/lib/dbus/machine-id"].map(|path| system.value(path));
    let is_id = |id: &String| id.bytes().all(|byte| byte.is_ascii_hexdigit());
    ids.into_iter().flatten().find(is_id)
}

/// Returns the name that the conventions have for this architecture.
fn arch(rust: &'static str) -> &'static str {
    match rust {
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc" => "ppc32",
        "powerpc64" => "ppc64",
        "x86_64" => "amd64",
        other => other,
    }
}
