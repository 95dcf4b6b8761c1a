//! Log records, and the path on which they reach the exporters.

mod error_chain;
mod exceptions;
mod limits;
mod logger;
mod record;

pub use self::record::{LogRecord, LogSeverity, LogValue};
pub(crate) use self::{
    error_chain::{chain, limited, sources},
    exceptions::{ExceptionLog, ExceptionProtocol, ExceptionSpan},
    limits::LogLimits,
    logger::{LogProcessor, Logger},
    record::LogSpan,
};
