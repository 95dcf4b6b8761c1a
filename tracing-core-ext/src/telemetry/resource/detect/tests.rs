use std::{collections::BTreeMap, fs, path::PathBuf};

use opentelemetry::Value;

use super::*;
use crate::config::env::Env;

const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A folder with files, which is removed at the end.
struct Root(PathBuf);

impl Root {
    fn new(name: &str, files: &[(&str, &[u8])]) -> Self {
        let root = std::env::temp_dir().join(format!("{}-{name}", std::process::id()));
        for (path, content) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        Self(root)
    }

    fn detect(
        &self,
        detectors: ResourceDetectors,
        variables: &'static [(&str, &str)],
    ) -> BTreeMap<String, Value> {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name)?;
            Some(found.1.to_owned())
        };
        let found = detect(detectors, &System::below(&self.0, Env::from_fn(lookup)));
        found.into_iter().map(|found| (found.key.to_string(), found.value)).collect()
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn texts(found: &BTreeMap<String, Value>) -> Vec<(&str, String)> {
    found.iter().map(|(key, value)| (key.as_str(), value.to_string())).collect()
}

fn pair(key: &'static str, value: &str) -> (&'static str, String) {
    (key, value.to_owned())
}

#[test]
fn a_machine_has_its_name_its_id_and_its_system() {
    let root = Root::new(
        "machine",
        &[
            ("proc/sys/kernel/hostname", b"web-1\n"),
            ("etc/machine-id", b"0123456789abcdef0123456789abcdef\n"),
            ("etc/os-release", b"NAME=Debian\nVERSION_ID=\"12\"\nPRETTY_NAME='Debian 12'\n"),
            ("proc/self/cgroup", b"0::/system.slice/shop.service\n"),
        ],
    );
    let found = root.detect(ResourceDetectors::none().host(true).os(true), &[]);
    let arch = found["host.arch"].to_string();
    let os = found["os.type"].to_string();
    assert_eq!(
        texts(&found),
        [
            pair("host.arch", &arch),
            pair("host.id", "0123456789abcdef0123456789abcdef"),
            pair("host.name", "web-1"),
            pair("os.description", "Debian 12"),
            pair("os.name", "Debian"),
            pair("os.type", &os),
            pair("os.version", "12"),
        ]
    );
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    assert_eq!((&*arch, &*os), ("amd64", "linux"));
}

#[test]
fn a_container_has_its_id_and_not_that_of_a_machine() {
    for (path, line) in [
        ("proc/self/cgroup", format!("0::/docker/{ID}\n")),
        (
            "proc/self/mountinfo",
            format!("1 2 0:1 /docker/containers/{ID}/hostname /etc/hostname rw - ext4 a rw\n"),
        ),
    ] {
        let machine = ("etc/machine-id", b"0123456789abcdef0123456789abcdef" as &[u8]);
        let root = Root::new("container", &[machine, (path, line.as_bytes())]);
        let found = root.detect(ResourceDetectors::none().host(true).container(true), &[]);
        assert_eq!(found.get("container.id"), Some(&ID.into()), "{path}");
        assert_eq!(found.get("host.id"), None, "{path}");
    }
}

#[test]
fn a_pod_has_what_the_downward_api_and_its_files_provide() {
    let root = Root::new(
        "pod",
        &[
            ("var/run/secrets/kubernetes.io/serviceaccount/namespace", b"shop"),
            (
                "proc/self/cgroup",
                b"0::/kubepods/burstable/pod0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0/x\n",
            ),
        ],
    );
    let detectors = ResourceDetectors::none().kubernetes(true);
    let found = root.detect(
        detectors,
        &[
            ("POD_NAME", "shop-7d9"),
            ("K8S_NODE_NAME", " node-1 "),
            ("OTEL_RESOURCE_ATTRIBUTES_CONTAINER_NAME", "app"),
            ("K8S_CLUSTER_NAME", ""),
        ],
    );
    assert_eq!(
        texts(&found),
        [
            pair("k8s.container.name", "app"),
            pair("k8s.namespace.name", "shop"),
            pair("k8s.node.name", "node-1"),
            pair("k8s.pod.name", "shop-7d9"),
            pair("k8s.pod.uid", "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0"),
        ]
    );
    let namespace = root.detect(detectors, &[("POD_NAMESPACE", "other")]);
    assert_eq!(namespace["k8s.namespace.name"], "other".into());
}

#[test]
fn outside_of_kubernetes_its_variables_are_not_used() {
    let root = Root::new("no-pod", &[]);
    let detectors = ResourceDetectors::none().kubernetes(true);
    assert_eq!(texts(&root.detect(detectors, &[("NODE_NAME", "jenkins")])), []);
    let found =
        root.detect(detectors, &[("NODE_NAME", "node-1"), ("KUBERNETES_SERVICE_HOST", "10.0.0.1")]);
    assert_eq!(texts(&found), [pair("k8s.node.name", "node-1")]);
}

#[test]
fn files_that_are_missing_huge_or_hostile_are_omitted() {
    let huge = vec![b'a'; 3 << 20];
    let lines = "1 2 0:1 / / rw - ext4 a rw\n".repeat(100_000);
    let root = Root::new(
        "hostile",
        &[
            ("proc/sys/kernel/hostname", &huge),
            ("etc/hostname", b"\xff\xfe\x00"),
            ("etc/machine-id", b"../../etc/passwd"),
            ("var/lib/dbus/machine-id/folder", b""),
            ("etc/os-release", b"NAME=\nVERSION_ID=\"\x1b[31m\"\nPRETTY_NAME"),
            ("proc/self/cgroup", &huge),
            ("proc/self/mountinfo", lines.as_bytes()),
            ("var/run/secrets/kubernetes.io/serviceaccount/namespace", b"a\nb"),
        ],
    );
    let found = root.detect(
        ResourceDetectors::none().host(true).os(true).container(true).kubernetes(true),
        &[],
    );
    assert_eq!(found.keys().collect::<Vec<_>>(), ["host.arch", "os.type"]);
}

#[test]
fn the_command_line_is_detected_only_on_request() {
    let root = Root::new("process", &[]);
    let found = root.detect(ResourceDetectors::all(), &[]);
    assert_eq!(found["process.pid"], Value::I64(std::process::id().into()));
    assert_eq!(found["process.runtime.name"], "rust".into());
    let version = found["process.runtime.version"].to_string();
    assert!(version.starts_with("1."), "{version}");
    let name = found["process.executable.name"].to_string();
    assert!(name.starts_with("tracing_core_ext"), "{name}");
    assert!(!found.keys().any(|key| key.contains("command")), "{found:?}");

    let found = root.detect(ResourceDetectors::none().process_command(true), &[]);
    assert_eq!(found.keys().collect::<Vec<_>>(), ["process.command", "process.command_args"]);
    assert!(matches!(found["process.command_args"], Value::Array(_)), "{found:?}");
}

#[test]
fn nothing_is_detected_without_detectors() {
    assert_eq!(texts(&Root::new("none", &[]).detect(ResourceDetectors::none(), &[])), []);
}
