use std::borrow::Cow;

use super::facts::Facts;

/// The name of a span and the attributes that it starts with.
pub(crate) trait SpanAttributes {
    /// Adds the attributes and returns the name. It is called only if a sampler or the span requires them.
    fn describe(&self, facts: &mut Facts) -> Cow<'static, str>;
}
