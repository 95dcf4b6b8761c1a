//! Files and variables that detectors read.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use crate::config::env::Env;

/// Largest part of a file that is read.
const MAX_BYTES: u64 = 1 << 20;

/// Files of the operating system, and variables of the process.
pub(crate) struct System {
    root: PathBuf,
    variables: Env,
}

impl System {
    pub(crate) fn new(variables: Env) -> Self {
        Self::below("/", variables)
    }

    /// Returns a system whose files are below `root`.
    pub(crate) fn below(root: impl Into<PathBuf>, variables: Env) -> Self {
        Self { root: root.into(), variables }
    }

    /// Reads the beginning of a file. Bytes that are not UTF-8 are replaced.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        let path = self.path(path);
        // Opening a pipe would wait for its writer.
        path.metadata().ok().filter(|metadata| metadata.is_file())?;
        let mut bytes = Vec::new();
        File::open(path).ok()?.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Reads a file of one value, without the space around it. `None` if the value is empty, or if
    /// it is no single line of printable characters.
    pub(super) fn value(&self, path: &str) -> Option<String> {
        const MAX_LENGTH: usize = 256;
        let text = self.text(path)?;
        let value = text.trim();
        let is_valid = (1..=MAX_LENGTH).contains(&value.len())
            && !value.contains(|character: char| character.is_control() || character == '\u{fffd}');
        is_valid.then(|| value.to_owned())
    }

    pub(super) fn exists(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    /// Returns the value of the first of these variables that is set.
    pub(super) fn variable(&self, names: &[&str]) -> Option<String> {
        let found = names.iter().find_map(|name| self.variables.platform_text(name))?;
        Some(found.trim().to_owned())
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(Path::new(path).strip_prefix("/").unwrap_or(Path::new(path)))
    }
}
