mod exporter;
mod json;
mod options;
mod output;
mod timestamp;
mod waiting;

pub(super) use exporter::ConsoleExporter;
pub use options::Console;
