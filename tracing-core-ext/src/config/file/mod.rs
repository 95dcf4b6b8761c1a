//! The configuration file: OpenTelemetry declarative configuration, schema 1.x, in YAML. It is the
//! second source of [`Config`]: the defaults are those of an empty environment.

mod document;
mod exporter;
mod key_patterns;
mod logs;
mod metrics;
mod processors;
mod propagator;
mod resource;
mod sampler;
#[cfg(test)]
mod tests;
mod traces;

use std::path::Path;

use self::document::{Document, item::Item};
pub(crate) use self::key_patterns::KeyPatterns;
use super::{Config, FileInfo, env::Env};
use crate::base::error::TelemetryError;

/// Languages of `instrumentation/development`, whose settings are for other programs.
const OTHER_LANGUAGES: [&str; 10] =
    ["cpp", "dotnet", "erlang", "go", "java", "js", "php", "python", "ruby", "swift"];

impl Config {
    /// Reads a configuration file, and collects what is unknown or unsupported in its findings. Of
    /// the variables only those that the file refers to are used, and those outside of
    /// OpenTelemetry, such as `RUST_LOG`.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, a value cannot be used, nothing could be delivered to any
    /// exporter of a provider, or a finding is an error.
    pub(crate) fn read_file(path: &Path, variables: &Env) -> Result<Self, TelemetryError> {
        Self::from_document(&Document::read(path, variables)?, variables)
    }

    /// Reads the text of a file.
    #[cfg(fuzzing)]
    pub(crate) fn from_text(
        name: &str,
        text: &str,
        variables: &Env,
    ) -> Result<Self, TelemetryError> {
        Self::from_document(&Document::parse(name.to_owned(), text, variables)?, variables)
    }

    fn from_document(document: &Document, variables: &Env) -> Result<Self, TelemetryError> {
        let mut config = Self::read_all(&variables.without_opentelemetry(), false)?;
        let root_item = document.root();
        let root = root_item.section()?;
        check_format(&root.require("file_format")?)?;
        config.is_disabled = root.read_or("disabled", false, Item::boolean)?;
        let attribute_limits = root.get("attribute_limits");
        config.resource = resource::read(root.get("resource").as_ref(), variables)?;
        config.propagator = propagator::read(root.get("propagator").as_ref())?;
        traces::read(root.get("tracer_provider").as_ref(), attribute_limits.as_ref(), &mut config)?;
        metrics::read(root.get("meter_provider").as_ref(), &mut config)?;
        let logger_provider = root.get("logger_provider");
        logs::read(logger_provider.as_ref(), attribute_limits.as_ref(), &mut config.logs)?;
        root.get("log_level").map_or(Ok(()), |level| check_log_level(&level))?;
        root.get("instrumentation/development").map_or(Ok(()), |item| instrumentation(&item))?;
        // Settings of other distributions of OpenTelemetry.
        root.get("distribution");
        let name = root_item.file_name().to_owned();
        root.finish()?;
        config.file = Some(FileInfo { name, variables: document.variables.clone() });
        Ok(config)
    }
}

/// Checks the version of the format. Later minor versions only add what may be unknown.
fn check_format(item: &Item<'_>) -> Result<(), TelemetryError> {
    let version = item.text()?;
    let is_known = version
        .strip_prefix("1.")
        .is_some_and(|minor| !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit()));
    if is_known { Ok(()) } else { Err(item.expected("a version such as \"1.1\"")) }
}

/// The level of the log lines about telemetry. It is `info` by default, and `RUST_LOG` sets another.
fn check_log_level(item: &Item<'_>) -> Result<(), TelemetryError> {
    match item.text()?.as_str() {
        "info" => Ok(()),
        _ => item.ignore(item.refused("this is not supported: set RUST_LOG or log_filter()")),
    }
}

fn instrumentation(item: &Item<'_>) -> Result<(), TelemetryError> {
    let section = item.section()?;
    section.unsupported(["general", "rust"])?;
    OTHER_LANGUAGES.iter().for_each(|language| drop(section.get(language)));
    section.finish()
}
