//! The content of a configuration file: a tree of values with their places, and typed access.

pub(super) mod item;
mod source;
mod substitution;
mod yaml;

use std::{collections::BTreeSet, fs::File, io::Read, path::Path};

use self::{item::Item, source::Source, yaml::Node};
use crate::{base::error::TelemetryError, config::env::Env};

/// Largest size of a file.
const MAX_BYTES: u64 = 1 << 20;

/// A file that has been parsed, and whose references to variables are replaced.
pub(super) struct Document {
    source: Source,
    root: Node,
    /// Variables that the file refers to.
    pub(super) variables: BTreeSet<String>,
}

impl Document {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is larger than 1 MiB, or is not valid YAML.
    pub(super) fn read(path: &Path, variables: &Env) -> Result<Self, TelemetryError> {
        let name = path.display().to_string();
        let refused = |problem: String| TelemetryError::file(name.clone(), problem);
        let mut text = Vec::new();
        let file = File::open(path).and_then(|file| {
            // A folder can be opened, and a pipe would be waited for.
            let is_file = file.metadata()?.is_file();
            if is_file { file.take(MAX_BYTES + 1).read_to_end(&mut text) } else { Ok(0) }
                .map(|_| is_file)
        });
        match file {
            Err(error) => return Err(refused(format!(": cannot be read: {error}"))),
            Ok(false) => return Err(refused(": is not a file".to_owned())),
            Ok(true) if text.len() as u64 > MAX_BYTES => {
                return Err(refused(format!(": is larger than {MAX_BYTES} bytes")));
            }
            Ok(true) => {}
        }
        let text = String::from_utf8(text).map_err(|_| refused(": is not UTF-8".to_owned()))?;
        Self::parse(name, &text, variables)
    }

    /// Parses the text of the file `name`.
    pub(super) fn parse(name: String, text: &str, env: &Env) -> Result<Self, TelemetryError> {
        let source = Source { name, findings: env.findings.clone() };
        let parsed = yaml::parse(text, &|name| env.platform_text(name));
        let parsed = parsed.map_err(|fault| source.error(fault.place, "", &fault.problem))?;
        for (place, name) in parsed.missing {
            let problem =
                format!("the variable {name} is not set; if it is optional, write ${{{name}:-}}");
            let warning = source.error(place, "", &problem);
            source.findings.report(warning, "an empty value is used")?;
        }
        Ok(Self { source, root: parsed.root, variables: parsed.variables })
    }

    pub(super) fn root(&self) -> Item<'_> {
        Item::new(&self.source, String::new(), &self.root)
    }
}
