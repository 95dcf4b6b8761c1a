use std::borrow::Cow;

use super::facts::Facts;

/// The name of a span and the attributes that it starts with.
pub(crate) trait SpanAttributes {
    /// Adds the attributes of a span that is recorded, and returns the name.
    fn describe(&self, facts: &mut Facts) -> Cow<'static, str>;

    /// Adds the attributes for a sampler that has not decided yet, and returns the name.
    fn describe_for_sampler(&self, facts: &mut Facts) -> Cow<'static, str> {
        self.describe(facts)
    }
}
