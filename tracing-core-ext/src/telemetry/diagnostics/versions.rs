use std::{
    collections::BTreeSet,
    env,
    fs::File,
    io::{BufRead, BufReader},
    thread,
};

use crate::base::self_log::SelfLog;

/// Version that the Jaeger exporter uses internally.
const OF_JAEGER: &[u8] = b"0.23.";

/// Logs a warning if the executable contains several versions of `opentelemetry`. They have
/// separate globals and contexts, which is not an error. Each version is part of the source paths
/// in an executable, which panic messages use. Only a build with debug assertions is searched, on
/// its own thread.
pub(super) fn warn_duplicate_versions(log: SelfLog) {
    let look = move || {
        let file = env::current_exe().and_then(File::open);
        let versions = file.map(|file| versions_in(BufReader::with_capacity(1 << 20, file)));
        if let Ok(versions) = versions
            && versions.len() > 1
        {
            log.log(|| warn(&versions));
        }
    };
    let _ = thread::Builder::new().name("telemetry-versions".to_owned()).spawn(look);
}

fn warn(versions: &BTreeSet<String>) {
    let versions = Vec::from_iter(versions.iter().map(String::as_str)).join(" and ");
    tracing::warn!(
        "the program contains several versions of the crate opentelemetry, {versions}: spans and contexts of one are not \
         visible to the others; `cargo tree --duplicates` shows which crates require them"
    );
}

fn versions_in(mut executable: impl BufRead) -> BTreeSet<String> {
    let (mut versions, mut part) = (BTreeSet::new(), Vec::new());
    while executable.read_until(b'/', &mut part).is_ok_and(|read| read > 0) {
        versions.extend(version_in(&part));
        part.clear();
    }
    versions
}

/// Returns the version in a part of a source path, such as `opentelemetry-1.2.3`.
fn version_in(part: &[u8]) -> Option<String> {
    let version = part.strip_prefix(b"opentelemetry-")?.strip_suffix(b"/")?;
    let is_version = version.len() < 16
        && version.first().is_some_and(u8::is_ascii_digit)
        && version.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.');
    let is_of_jaeger = cfg!(feature = "jaeger") && version.starts_with(OF_JAEGER);
    (is_version && !is_of_jaeger).then(|| String::from_utf8_lossy(version).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_paths_of_sources() {
        // Split so that this program does not contain them.
        let paths =
            "\0/build/_-0.33.1/src/lib.rs\x01/_-0.31.0/src/_-otlp-0.30.0/src/_-/_-x/_-0.33.1/src";
        let executable = paths.replace('_', "opentelemetry");
        let versions = Vec::from_iter(versions_in(executable.as_bytes()));
        assert_eq!(versions, ["0.31.0", "0.33.1"]);
    }

    #[test]
    fn this_program_contains_one_version() {
        let executable = File::open(env::current_exe().unwrap()).unwrap();
        assert_eq!(versions_in(BufReader::new(executable)).len(), 1);
    }
}
