use std::{ops::Deref, sync::Arc, time::Duration};

use opentelemetry::Value;
use opentelemetry_sdk::trace::SpanData;

use super::store::StoredSpan;

/// A span that has ended. It dereferences to the [`SpanData`] of the SDK.
#[derive(Clone, Debug, PartialEq)]
pub struct EndedSpan(Arc<SpanData>);

impl EndedSpan {
    pub(crate) fn new(span: &StoredSpan) -> Self {
        Self(Arc::clone(&span.data))
    }

    /// Returns the value of an attribute.
    ///
    /// # Panics
    ///
    /// If the attribute occurs more than once.
    #[track_caller]
    pub fn attribute(&self, key: &str) -> Option<&Value> {
        let mut values = self.0.attributes.iter().filter(|it| it.key.as_str() == key);
        let value = values.next().map(|attribute| &attribute.value);
        assert!(values.next().is_none(), "{key} occurs more than once: {:#?}", self.0);
        value
    }

    /// Returns the time from the start to the end.
    pub fn duration(&self) -> Duration {
        self.0.end_time.duration_since(self.0.start_time).unwrap_or_default()
    }
}

impl Deref for EndedSpan {
    type Target = SpanData;

    fn deref(&self) -> &SpanData {
        &self.0
    }
}
