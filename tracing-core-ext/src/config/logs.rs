//! Export of log records.

use super::{
    batch::{BatchConfig, BatchVariables},
    env::{Env, exporters::SelectedExporter, words::Words},
    otlp::{LOGS, OtlpConfig},
};
use crate::{base::error::TelemetryError, logs::LogLimits};

const EXPORTER: &str = "OTEL_LOGS_EXPORTER";

pub(crate) const EXCEPTION_SIGNAL: &str = "OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN";

const BATCH: BatchVariables = BatchVariables {
    queue: "OTEL_BLRP_MAX_QUEUE_SIZE",
    size: "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
    delay: "OTEL_BLRP_SCHEDULE_DELAY",
    timeout: "OTEL_BLRP_EXPORT_TIMEOUT",
};

/// Exporters of log records, and their settings.
#[derive(Clone, Debug)]
pub(crate) struct LogsConfig {
    /// Exporters of log records, `None` if neither a variable nor a file lists them.
    pub(crate) exporters: Option<Vec<SelectedExporter<LogsExporter>>>,
    pub(crate) batch: BatchConfig,
    pub(crate) limits: LogLimits,
    pub(crate) otlp: OtlpConfig,
    pub(crate) exceptions: ExceptionSignal,
}

/// Exporter in `OTEL_LOGS_EXPORTER`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum LogsExporter {
    Otlp,
    Console,
}

/// Signal in which exceptions are recorded: semantic conventions, "Exceptions in logs".
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ExceptionSignal {
    SpanEvents,
    Logs,
    LogsAndSpanEvents,
}

const EXPORTERS: Words<Option<LogsExporter>> = Words {
    known: &[
        ("otlp", Some(LogsExporter::Otlp)),
        ("console", Some(LogsExporter::Console)),
        ("none", None),
    ],
    unsupported: &["logging", "otlp/stdout"],
};

const EXCEPTIONS: Words<ExceptionSignal> = Words {
    known: &[("logs", ExceptionSignal::Logs), ("logs/dup", ExceptionSignal::LogsAndSpanEvents)],
    unsupported: &[],
};

impl LogsExporter {
    /// Returns the name of the exporter.
    pub(crate) fn as_str(self) -> &'static str {
        EXPORTERS.name(Some(self))
    }
}

impl ExceptionSignal {
    /// Returns the value that selects the signal, or `None` for the default.
    pub(crate) fn as_str(self) -> Option<&'static str> {
        Some(EXCEPTIONS.name(self)).filter(|name| !name.is_empty())
    }
}

impl LogsConfig {
    /// Returns the listed exporters, or else OTLP if an endpoint for log records is set.
    pub(crate) fn selected(&self) -> Vec<SelectedExporter<LogsExporter>> {
        if let Some(exporters) = &self.exporters {
            return exporters.clone();
        }
        let endpoint = self.otlp.endpoint.as_ref().filter(|(setting, _)| *setting == LOGS.endpoint);
        let select =
            |(setting, _): &(&'static str, _)| SelectedExporter::new(LogsExporter::Otlp, setting);
        endpoint.map(select).into_iter().collect()
    }
}

impl Env {
    pub(super) fn logs(&self) -> Result<LogsConfig, TelemetryError> {
        let exceptions = self.choice([EXCEPTION_SIGNAL], &EXCEPTIONS)?;
        Ok(LogsConfig {
            exporters: self.selected_exporters(EXPORTER, &EXPORTERS)?,
            batch: self.batch_of(&BATCH)?,
            limits: self.log_limits()?,
            otlp: self.otlp(&LOGS)?,
            exceptions: exceptions.unwrap_or(ExceptionSignal::SpanEvents),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn env(set: &[(&'static str, &'static str)]) -> Env {
        let set = set.to_vec();
        Env::from_fn(move |name| {
            set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn nothing_is_exported_unless_an_exporter_or_an_endpoint_for_logs_is_set() {
        const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT";
        let general = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
        let own = (ENDPOINT, "http://collector:4318/v1/logs");
        for (set, expected) in [
            (&[][..], &[][..]),
            (&[general], &[]),
            (&[own], &[(LogsExporter::Otlp, ENDPOINT)]),
            (&[own, (EXPORTER, "none")], &[]),
            (&[(EXPORTER, "otlp")], &[(LogsExporter::Otlp, EXPORTER)]),
            (
                &[(EXPORTER, "console,otlp")],
                &[(LogsExporter::Console, EXPORTER), (LogsExporter::Otlp, EXPORTER)],
            ),
        ] {
            let selected = env(set).logs().unwrap().selected();
            let selected: Vec<_> =
                selected.iter().map(|export| (export.exporter, export.setting)).collect();
            assert_eq!(selected, expected, "{set:?}");
        }
    }

    #[test]
    fn batches_limits_and_exceptions_have_the_defaults_of_the_specification() {
        let config = env(&[]).logs().unwrap();
        let BatchConfig { queue, size, delay, export_timeout, .. } = config.batch;
        assert_eq!((queue, size, delay), (2048, 512, None));
        assert_eq!(export_timeout, Duration::from_secs(30));
        assert_eq!(config.limits, LogLimits { count: 128, value_length: None });
        assert_eq!(config.exceptions, ExceptionSignal::SpanEvents);
    }

    #[test]
    fn every_variable_of_logs_is_read() {
        let config = env(&[
            ("OTEL_BLRP_MAX_QUEUE_SIZE", "100"),
            ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "10"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "7"),
            ("OTEL_BLRP_EXPORT_TIMEOUT", "9"),
            ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "3"),
            ("OTEL_ATTRIBUTE_COUNT_LIMIT", "4"),
            ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "5"),
            ("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", "logs/dup"),
        ]);
        let config = config.logs().unwrap();
        let BatchConfig { queue, size, delay, export_timeout, .. } = config.batch;
        let [seven, nine] = [7, 9].map(Duration::from_millis);
        assert_eq!((queue, size, delay, export_timeout), (100, 10, Some(seven), nine));
        assert_eq!(config.limits, LogLimits { count: 3, value_length: Some(5) });
        assert_eq!(config.exceptions, ExceptionSignal::LogsAndSpanEvents);
    }

    #[test]
    fn invalid_values_are_ignored_with_a_warning() {
        for (name, value) in [
            (EXPORTER, "logging"),
            ("OTEL_BLRP_MAX_QUEUE_SIZE", "0"),
            ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "4096"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "-1"),
            ("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "many"),
            ("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "-1"),
            ("OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN", "log"),
        ] {
            let env = env(&[(name, value)]);
            let config = env.logs().unwrap();
            assert_eq!((config.exporters, config.limits), (None, LogLimits::default()));
            assert_eq!(config.batch, BatchConfig::default());
            let warnings: Vec<_> = env.findings.take().iter().map(ToString::to_string).collect();
            let is_named = warnings[0].starts_with(&format!("{name}={value:?}: expected "));
            assert!(warnings.len() == 1 && is_named, "{warnings:?}");
        }
    }
}
