//! Log lines: their formats, the ids of their spans, and records of the crate `log`.

pub(crate) mod lazy_fields;
pub(crate) mod line_span;
mod line_suffix;
pub(crate) mod log_records;
pub(crate) mod with_trace_ids;
