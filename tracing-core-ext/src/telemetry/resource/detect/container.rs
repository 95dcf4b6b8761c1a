//! `container.id`: from the path of a control group, or from a file that the engine mounts.

use opentelemetry::KeyValue;

use super::System;

pub(super) const CGROUP: &str = "/proc/self/cgroup";
pub(super) const MOUNTS: &str = "/proc/self/mountinfo";

/// Files that engines write for each container and mount into it.
const MOUNTED: [&str; 3] = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];

pub(super) fn attributes(system: &System) -> Option<KeyValue> {
    Some(KeyValue::new("container.id", id(system)?))
}

/// Whether the process runs in a container.
pub(super) fn is_container(system: &System) -> bool {
    let marks = ["/.dockerenv", "/run/.containerenv"];
    marks.iter().any(|mark| system.exists(mark))
        || system.variable(&["KUBERNETES_SERVICE_HOST"]).is_some()
        || id(system).is_some()
}

fn id(system: &System) -> Option<String> {
    let cgroup = system.text(CGROUP).unwrap_or_default();
    cgroup.lines().find_map(id_in_cgroup).or_else(|| {
        let mounts = system.text(MOUNTS).unwrap_or_default();
        mounts.lines().find_map(id_in_mount)
    })
}

/// Returns the id in the last segment of a path in `/proc/self/cgroup`, with the prefix and the suffix of systemd or without.
///
/// ```text
/// 12:cpu:/docker/0123…cdef
/// 0::/kubepods.slice/kubepods-pod0123.slice/cri-containerd-0123…cdef.scope
/// ```
fn id_in_cgroup(line: &str) -> Option<String> {
    let (_, segment) = line.trim_end().rsplit_once('/')?;
    let segment = segment.strip_suffix(".scope").unwrap_or(segment);
    let (_, last) = segment.rsplit_once([':', '-']).unwrap_or(("", segment));
    let id = if is_fargate_id(segment) { segment } else { last };
    (is_id(last) || is_fargate_id(segment)).then(|| id.to_owned())
}

/// Returns the id in the source of a mount in `/proc/self/mountinfo`, whose fields are id, parent,
/// device, root and mount point. With version 2 the control group of a container is `/`. The path
/// of containerd has the id of the sandbox of the pod, and is not used.
fn id_in_mount(line: &str) -> Option<String> {
    let mut fields = line.split(' ').skip(3);
    let (root, mount_point) = (fields.next()?, fields.next()?);
    if !MOUNTED.contains(&mount_point) {
        return None;
    }
    let segments: Vec<&str> = root.split('/').collect();
    let is_of_container =
        |pair: &&[&str]| matches!(pair[0], "containers" | "overlay-containers") && is_id(pair[1]);
    segments.windows(2).find(is_of_container).map(|pair| pair[1].to_owned())
}

/// Whether this is the id of an engine: 32 to 64 hexadecimal digits.
fn is_id(text: &str) -> bool {
    (32..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether this is an id of AWS Fargate: 32 hexadecimal digits, a hyphen, and decimal digits.
fn is_fargate_id(text: &str) -> bool {
    text.split_once('-').is_some_and(|(task, number)| {
        task.len() == 32
            && is_id(task)
            && (1..=20).contains(&number.len())
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn the_id_is_in_the_last_segment_of_a_control_group() {
        for line in [
            "13:name=systemd:/docker/ID",
            "1:name=systemd:/podruntime/docker/kubepods/besteffort/pod1/ID",
            "0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-ID.scope",
            "0::/kubepods/burstable/pod1/cri-containerd:ID",
            "11:devices:/kubepods.slice/crio-ID.scope",
            "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ID.scope\n",
        ] {
            assert_eq!(id_in_cgroup(&line.replace("ID", ID)).as_deref(), Some(ID), "{line}");
        }
        let fargate = "0123456789abcdef0123456789abcdef-1234567890";
        let line = format!("9:perf_event:/ecs/0123456789abcdef0123456789abcdef/{fargate}");
        assert_eq!(id_in_cgroup(&line).as_deref(), Some(fargate));
    }

    #[test]
    fn other_control_groups_have_no_id() {
        for line in [
            "",
            "0::/",
            "2:cpu:no path",
            "0::/user.slice/user-1000.slice/session-2.scope",
            "0::/system.slice/docker.service",
            "0::/system.slice/run-r0123456789abcdef0123456789abcdef.service",
            "0::/docker/0123456789abcdef",
            "0::/docker/zzzz456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
            "0::/docker/é",
        ] {
            assert_eq!(id_in_cgroup(line), None, "{line}");
        }
        assert_eq!(id_in_cgroup(&format!("0::/docker/{ID}0")), None);
    }

    #[test]
    fn the_id_is_in_the_source_of_a_mounted_file() {
        for line in [
            "2304 1573 254:1 /var/lib/docker/containers/ID/hostname /etc/hostname rw - ext4 /dev/vda1 rw",
            "2304 1573 254:1 /docker/containers/ID/resolv.conf /etc/resolv.conf rw - ext4 /dev/vda1 rw",
            "9 1 0:25 /containers/overlay-containers/ID/userdata/hosts /etc/hosts rw - tmpfs tmpfs rw",
        ] {
            assert_eq!(id_in_mount(&line.replace("ID", ID)).as_deref(), Some(ID), "{line}");
        }
    }

    #[test]
    fn other_mounts_have_no_id() {
        for line in [
            "",
            "1579 1573 0:290 / /dev rw,nosuid - tmpfs tmpfs rw",
            "9 1 8:1 /var/lib/docker/containers/ID/hostname /mnt/hostname rw - ext4 /dev/vda1 rw",
            "9 1 8:1 /containerd/io.containerd.grpc.v1.cri/sandboxes/ID/hostname /etc/hostname rw - ext4 a rw",
            "9 1 8:1 /docker/containers/short/hostname /etc/hostname rw - ext4 /dev/vda1 rw",
        ] {
            assert_eq!(id_in_mount(&line.replace("ID", ID)), None, "{line}");
        }
    }
}
