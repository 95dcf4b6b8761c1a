use crate::config::{
    Config,
    env::{Env, findings::Findings},
};

/// Result of a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    /// All settings, or the error.
    pub settings: Result<String, String>,
    /// Warnings.
    pub warnings: Vec<String>,
}

/// Reads the text of a configuration file. Every variable that the file refers to has this value.
pub fn config_file(text: &str, variable: &'static str, is_strict: bool) -> ConfigFile {
    let findings = Findings::strict(is_strict);
    let variables = Env::from_fn(move |name| {
        let is_set = !name.starts_with("UNSET") && !name.starts_with("OTEL_");
        is_set.then(|| variable.to_owned())
    });
    let read = Config::from_text("otel.yaml", text, &variables.with_findings(findings.clone()));
    ConfigFile {
        settings: read.map(|config| format!("{config:?}")).map_err(|error| error.to_string()),
        warnings: findings.take().iter().map(ToString::to_string).collect(),
    }
}
