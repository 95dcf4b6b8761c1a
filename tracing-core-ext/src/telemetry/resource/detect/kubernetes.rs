//! `k8s.*`: from variables that the manifest sets with the downward API, the file of the service
//! account, and the paths of the pod.

use opentelemetry::KeyValue;

use super::{
    System,
    container::{CGROUP, MOUNTS},
};

const NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Attributes, and the variables that have them. The OpenTelemetry Operator sets
/// `OTEL_RESOURCE_ATTRIBUTES_…`.
const VARIABLES: [(&str, &[&str]); 7] = [
    (
        "k8s.namespace.name",
        &[
            "K8S_NAMESPACE_NAME",
            "OTEL_RESOURCE_ATTRIBUTES_NAMESPACE_NAME",
            "K8S_NAMESPACE",
            "POD_NAMESPACE",
        ],
    ),
    ("k8s.pod.name", &["K8S_POD_NAME", "OTEL_RESOURCE_ATTRIBUTES_POD_NAME", "POD_NAME"]),
    ("k8s.pod.uid", &["K8S_POD_UID", "OTEL_RESOURCE_ATTRIBUTES_POD_UID", "POD_UID"]),
    ("k8s.node.name", &["K8S_NODE_NAME", "OTEL_RESOURCE_ATTRIBUTES_NODE_NAME", "NODE_NAME"]),
    (
        "k8s.container.name",
        &["K8S_CONTAINER_NAME", "OTEL_RESOURCE_ATTRIBUTES_CONTAINER_NAME", "CONTAINER_NAME"],
    ),
    (
        "k8s.deployment.name",
        &["K8S_DEPLOYMENT_NAME", "OTEL_RESOURCE_ATTRIBUTES_DEPLOYMENT_NAME", "DEPLOYMENT_NAME"],
    ),
    (
        "k8s.cluster.name",
        &["K8S_CLUSTER_NAME", "OTEL_RESOURCE_ATTRIBUTES_CLUSTER_NAME", "CLUSTER_NAME"],
    ),
];

/// Returns the attributes of a pod. Other environments use names such as `NODE_NAME` too, so they
/// count only where Kubernetes has set its own variable or file.
pub(super) fn attributes(system: &System) -> Vec<KeyValue> {
    let account = system.value(NAMESPACE);
    if account.is_none() && system.variable(&["KUBERNETES_SERVICE_HOST"]).is_none() {
        return Vec::new();
    }
    let attribute = |(key, names): (&'static str, &[&str])| {
        let value = system.variable(names).or_else(|| match key {
            "k8s.namespace.name" => account.clone(),
            "k8s.pod.uid" => pod_uid(system),
            _ => None,
        });
        Some(KeyValue::new(key, value?))
    };
    VARIABLES.into_iter().filter_map(attribute).collect()
}

fn pod_uid(system: &System) -> Option<String> {
    let cgroup = system.text(CGROUP).unwrap_or_default();
    cgroup.lines().find_map(|line| uid_after(line, "pod")).or_else(|| {
        let mounts = system.text(MOUNTS).unwrap_or_default();
        mounts.lines().find_map(|line| uid_after(line, "/pods/"))
    })
}

/// Returns the UUID that follows this text. In the names of systemd it has underscores.
///
/// ```text
/// 0::/kubepods.slice/kubepods-burstable-pod0b1c2d3e_4f50_6172_8394_a5b6c7d8e9f0.slice
/// 12 1 8:1 /var/lib/kubelet/pods/0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0/etc-hosts /etc/hosts
/// ```
fn uid_after(line: &str, prefix: &str) -> Option<String> {
    const LENGTH: usize = 36;
    const HYPHENS: [usize; 4] = [8, 13, 18, 23];
    line.match_indices(prefix).find_map(|(at, _)| {
        let uid = line.get(at + prefix.len()..)?.get(..LENGTH)?.replace('_', "-");
        let is_valid = |(at, byte): (usize, u8)| match HYPHENS.contains(&at) {
            true => byte == b'-',
            false => byte.is_ascii_hexdigit(),
        };
        uid.bytes().enumerate().all(is_valid).then_some(uid)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const UID: &str = "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0";

    #[test]
    fn the_uid_of_the_pod_is_in_its_paths() {
        for line in ["0::/kubepods/burstable/podUID/abc", "0::/kubepods-podUID.slice/a.scope"] {
            for uid in [UID.to_owned(), UID.replace('-', "_")] {
                let line = line.replace("UID", &uid);
                assert_eq!(uid_after(&line, "pod").as_deref(), Some(UID), "{line}");
            }
        }
        let mount = format!("12 1 8:1 /var/lib/kubelet/pods/{UID}/etc-hosts /etc/hosts rw");
        assert_eq!(uid_after(&mount, "/pods/").as_deref(), Some(UID));
    }

    #[test]
    fn other_paths_have_no_uid() {
        for line in ["", "pod", "0::/podman/pod", "0::/kubepods/pod0b1c2d3e", "podé0b1c2d3e-4f50"]
        {
            assert_eq!(uid_after(line, "pod"), None, "{line}");
        }
        assert_eq!(uid_after(&format!("pod{}", "0".repeat(36)), "pod"), None);
    }
}
