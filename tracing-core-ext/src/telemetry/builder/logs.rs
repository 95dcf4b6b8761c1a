//! Options of the `tracing` subscriber of telemetry, and of exported log records.

use std::sync::Arc;

use tracing_subscriber::{
    Layer, Registry,
    filter::LevelFilter,
    fmt::{MakeWriter, time::FormatTime, writer::BoxMakeWriter},
};

use super::TelemetryBuilder;
use crate::{
    config::{env::exporters::SelectedExporter, logs::LogsExporter},
    logs::LogRecord,
    telemetry::log_format::{LogFormat, Timer},
};

impl TelemetryBuilder {
    /// Writes log lines in this format. The default is text.
    pub fn log_format(mut self, format: LogFormat) -> Self {
        self.log_format = format;
        self
    }

    /// Writes log lines with or without colours. The default is colours on a terminal, unless `NO_COLOR` is set.
    pub fn log_ansi(mut self, is_colorful: bool) -> Self {
        self.log_style.ansi = Some(is_colorful);
        self
    }

    /// Writes the target of each event, such as `shop::orders`. The default is `true`.
    pub fn log_target(mut self, is_written: bool) -> Self {
        self.log_style.target = is_written;
        self
    }

    /// Writes the file and the line of each event. The default is `false`.
    pub fn log_source_location(mut self, is_written: bool) -> Self {
        self.log_style.source_location = is_written;
        self
    }

    /// Writes the name of the thread of each event. The default is `false`.
    pub fn log_thread_names(mut self, is_written: bool) -> Self {
        self.log_style.thread_names = is_written;
        self
    }

    /// Writes the time of each event with `timer`. The default is UTC in the form of RFC 3339.
    ///
    /// ```
    /// use tracing_core_ext::telemetry::{LogFormat, Telemetry};
    /// use tracing_subscriber::fmt::time::Uptime;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (telemetry, _subscriber) = Telemetry::builder()
    ///     .service_name("checkout")
    ///     .log_format(LogFormat::Full)
    ///     .log_timer(Uptime::default())
    ///     .log_target(false)
    ///     .build()?;
    /// # telemetry.shutdown()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn log_timer(mut self, timer: impl FormatTime + Send + Sync + 'static) -> Self {
        self.log_style.timer = Timer(Arc::new(timer));
        self
    }

    /// Writes log lines without the time, for services whose log collector adds it.
    pub fn log_without_time(mut self) -> Self {
        self.log_style.time = false;
        self
    }

    /// Writes log lines to this writer instead of standard error, without colours.
    pub fn log_writer<W>(mut self, writer: W) -> Self
    where
        W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
    {
        self.log_writer = Some(BoxMakeWriter::new(writer));
        self
    }

    /// Selects log lines if `RUST_LOG` is not set, by the directives of
    /// [`EnvFilter`](tracing_subscriber::EnvFilter). The default is `info,opentelemetry=warn`.
    ///
    /// ```
    /// use tracing_core_ext::telemetry::Telemetry;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (telemetry, _subscriber) = Telemetry::builder()
    ///     .service_name("checkout")
    ///     .log_filter("info,tower_http=debug,opentelemetry=warn")
    ///     .build()?;
    /// # telemetry.shutdown()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn log_filter(mut self, directives: impl Into<String>) -> Self {
        self.log_filter = Some(directives.into());
        self
    }

    /// Adds a layer to the subscriber, beside those for log lines and spans. It can be called several times.
    ///
    /// `RUST_LOG` and [`log_filter`](Self::log_filter) do not apply to the layer. Without a filter of its own it receives
    /// every event and span of every level, which costs time.
    ///
    /// ```
    /// use tracing_core_ext::telemetry::Telemetry;
    /// use tracing_subscriber::{Layer, filter::LevelFilter, fmt};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let errors = fmt::layer().with_writer(std::io::stdout).with_filter(LevelFilter::ERROR);
    /// let (telemetry, _subscriber) =
    ///     Telemetry::builder().service_name("checkout").layer(errors).build()?;
    /// # telemetry.shutdown()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn layer(mut self, layer: impl Layer<Registry> + Send + Sync + 'static) -> Self {
        self.layers.push(layer.boxed());
        self
    }

    /// Exports `tracing` spans up to this level as OpenTelemetry spans. The default is `INFO`. It
    /// is independent of `RUST_LOG`, which selects only log lines.
    pub fn span_level(mut self, level: LevelFilter) -> Self {
        self.span_level = level;
        self
    }

    /// Prints exported log records on standard output as JSON, one on a line, beside the log lines on
    /// standard error. It is for debugging; `OTEL_LOGS_EXPORTER=console` does the same.
    ///
    /// If code selects an exporter of log records, those of the environment are not used.
    pub fn console_logs(mut self) -> Self {
        self.log_records
            .selected
            .push(SelectedExporter::new(LogsExporter::Console, "console_logs()"));
        self
    }

    /// Selects exported log records by the directives of
    /// [`EnvFilter`](tracing_subscriber::EnvFilter). The default is the filter of log lines:
    /// `RUST_LOG`, or else [`log_filter`](Self::log_filter), or else `info,opentelemetry=warn`.
    ///
    /// ```
    /// use tracing_core_ext::telemetry::Telemetry;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (telemetry, _subscriber) = Telemetry::builder()
    ///     .service_name("checkout")
    ///     .log_filter("warn")
    ///     .log_export_filter("info,sqlx=warn")
    ///     .build()?;
    /// # telemetry.shutdown()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn log_export_filter(mut self, directives: impl Into<String>) -> Self {
        self.log_records.filter = Some(directives.into());
        self
    }

    /// Calls this function for each log record before it is exported, for example to remove personal
    /// data. It may change the record, and returns whether the record is exported. It runs on the
    /// export threads, once for each exporter. Printed log lines do not change.
    ///
    /// A removed record is not counted as lost. If the function panics, the record is not exported,
    /// because it may still contain the data. It is counted as lost, and the message of the panic is
    /// logged.
    ///
    /// ```
    /// use tracing_core_ext::telemetry::Telemetry;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (telemetry, _subscriber) = Telemetry::builder()
    ///     .service_name("checkout")
    ///     .before_log_export(|record| {
    ///         record.retain_attributes(|key| key != "user.email");
    ///         record.target() != "shop::health"
    ///     })
    ///     .build()?;
    /// # telemetry.shutdown()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn before_log_export(
        mut self,
        hook: impl Fn(&mut LogRecord) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.log_records.hook = Some(Arc::new(hook));
        self
    }
}
