//! Parts of pages: the frame, charts, text.

pub(super) mod chart;
pub(super) mod layout;
pub(super) mod text;
