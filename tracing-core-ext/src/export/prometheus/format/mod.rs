//! Names, labels and the text formats.

pub(crate) mod content_negotiation;
pub(crate) mod exemplars;
pub(crate) mod family;
pub(crate) mod family_merge;
pub(crate) mod labels;
pub(crate) mod name;
pub(crate) mod openmetrics;
