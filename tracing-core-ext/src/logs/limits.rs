/// Limits of the attributes of one log record: OpenTelemetry logs SDK specification, "LogRecord
/// limits".
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct LogLimits {
    /// Number of attributes. Later ones are dropped and counted.
    pub(crate) count: usize,
    /// Number of characters of a string value. Longer strings are truncated.
    pub(crate) value_length: Option<usize>,
}

impl Default for LogLimits {
    fn default() -> Self {
        Self { count: 128, value_length: None }
    }
}
