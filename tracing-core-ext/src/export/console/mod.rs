pub(crate) mod exporter;
mod json;
mod logs;
mod options;
mod output;
mod timestamp;
mod trace_buffer;
pub(crate) mod waterfall;

pub use self::options::Console;
