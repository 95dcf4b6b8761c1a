//! Log lines: their formats, the IDs of their spans, and records of the crate `log`.

pub(crate) mod escaped_fields;
pub(crate) mod lazy_fields;
mod line_attributes;
pub(crate) mod line_span;
mod line_suffix;
mod log_members;
pub(crate) mod log_records;
pub(crate) mod logfmt;
pub(crate) mod with_trace_ids;
