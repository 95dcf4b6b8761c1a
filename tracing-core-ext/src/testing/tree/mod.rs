//! Expected trees, and their comparison with traces.

pub(crate) mod compare;
pub(crate) mod expected;
pub(crate) mod literal;
pub(crate) mod report;
pub(crate) mod tree;
