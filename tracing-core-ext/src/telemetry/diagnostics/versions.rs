use std::{
    collections::BTreeSet,
    env,
    fs::File,
    io::{BufRead, BufReader},
    thread,
};

use crate::base::self_log::SelfLog;

/// What the exporter to Jaeger needs itself, and keeps to itself.
const OF_JAEGER: &[u8] = b"0.23.";

/// A crate built with another version of `opentelemetry` talks to globals and contexts of its own, without an error. Its
/// version stands in the paths of its sources, which an executable holds for the sake of panics; only one made for
/// development is searched, on a thread of its own.
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
        "there are two versions of the crate opentelemetry in this program, {versions}: what is made with one does not \
         know of the other; `cargo tree --duplicates` tells who needs which"
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

/// `opentelemetry-1.2.3/`, a folder of sources.
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
        // Spelt so that this program does not hold them itself.
        let paths =
            "\0/build/_-0.33.1/src/lib.rs\x01/_-0.31.0/src/_-otlp-0.30.0/src/_-/_-x/_-0.33.1/src";
        let executable = paths.replace('_', "opentelemetry");
        let versions = Vec::from_iter(versions_in(executable.as_bytes()));
        assert_eq!(versions, ["0.31.0", "0.33.1"]);
    }

    #[test]
    fn this_very_program_has_one() {
        let executable = File::open(env::current_exe().unwrap()).unwrap();
        assert_eq!(versions_in(BufReader::new(executable)).len(), 1);
    }
}
