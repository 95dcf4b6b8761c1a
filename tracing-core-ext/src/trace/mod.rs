//! Parts of spans: ids and times.

pub(crate) mod id_generator;
pub(crate) mod timer;
