#![doc = include_str!("testing.md")]

mod collector;
mod conventions;
mod logs;
mod metrics;
mod recorded;
mod scope;
mod select;
mod subscriber;
mod traces;
mod tree;

#[doc(inline)]
pub use crate::__trace_tree as trace;

pub use self::{
    collector::{Answer, Collector, ReceivedRequest},
    logs::Logs,
    metrics::{Metric, MetricPoint, PointValue},
    recorded::{
        Recorded, receiver::Receiver, span::EndedSpan, trace::EndedTrace, waiting::Waiting,
    },
    scope::{InScope, Scope},
    select::Selection,
    traces::{Traces, TracesBuilder},
    tree::{
        expected::{Expected, IntoExpected, any, when},
        tree::{Count, Tree},
    },
};

/// Items that the macro [`trace!`] uses.
#[doc(hidden)]
pub mod __private {
    pub use opentelemetry::trace::SpanKind;

    pub use super::tree::literal::assert_distinct;
}

#[cfg(test)]
mod tests;
