use std::sync::Arc;

use opentelemetry::{Context, InstrumentationScope, trace::SpanContext};

use super::start::Start;
use crate::propagation::extracted::ParentRef;

/// Without the SDK nobody knows where its spans go.
#[derive(Debug)]
pub(crate) enum Lean {}

impl Lean {
    pub(super) fn of(_: &str, _: &InstrumentationScope) -> Option<Arc<Self>> {
        None
    }

    pub(super) fn is_shut_down(&self) -> bool {
        match *self {}
    }

    pub(super) fn start(
        self: &Arc<Self>,
        _: Start<'_>,
        _: &Context,
        _: SpanContext,
        _: ParentRef,
    ) -> Context {
        match **self {}
    }
}
