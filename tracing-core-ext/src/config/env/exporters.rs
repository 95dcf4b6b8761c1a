//! Exporters that code, environment or file selects.

use super::{Env, words::Words};
use crate::{
    base::error::TelemetryError,
    config::{batch::BatchConfig, otlp::OtlpConfig},
};

/// A selected exporter of one signal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SelectedExporter<E> {
    pub(crate) exporter: E,
    /// Setting that selects it.
    pub(crate) setting: &'static str,
    /// Settings of this exporter alone. Without them it has those of all exporters.
    pub(crate) own: Option<OwnSettings>,
}

/// Settings of one exporter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OwnSettings {
    pub(crate) batch: BatchConfig,
    pub(crate) otlp: OtlpConfig,
}

impl<E> SelectedExporter<E> {
    /// Returns an exporter with the settings of all exporters.
    pub(crate) const fn new(exporter: E, setting: &'static str) -> Self {
        Self { exporter, setting, own: None }
    }
}

impl Env {
    /// Reads a list of exporters, which have the settings of all exporters.
    pub(in crate::config) fn selected_exporters<E: Copy + PartialEq>(
        &self,
        variable: &'static str,
        words: &Words<Option<E>>,
    ) -> Result<Option<Vec<SelectedExporter<E>>>, TelemetryError> {
        let select = |exporter| SelectedExporter::new(exporter, variable);
        let exporters = self.exporters(variable, words)?;
        Ok(exporters.map(|exporters| exporters.into_iter().map(select).collect()))
    }

    /// Reads a list of exporters. Unknown ones are ignored with a warning.
    pub(in crate::config) fn exporters<T: Copy + PartialEq>(
        &self,
        variable: &'static str,
        words: &Words<Option<T>>,
    ) -> Result<Option<Vec<T>>, TelemetryError> {
        let Some(list) = self.text(variable)? else { return Ok(None) };
        let mut exporters = Vec::new();
        let mut has_known = false;
        for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let exporter = match words.parse(variable, name) {
                Ok(exporter) => Some(exporter),
                Err(error) => self.findings.ignore(error)?,
            };
            has_known |= exporter.is_some();
            exporters.extend(exporter.flatten().filter(|exporter| !exporters.contains(exporter)));
        }
        Ok(has_known.then_some(exporters))
    }
}
