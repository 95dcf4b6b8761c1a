//! Spans that write into records.

use std::{borrow::Cow, mem, sync::Arc, time::SystemTime};

use opentelemetry::{
    Context, KeyValue, time,
    trace::{self, SpanContext, Status, TraceContextExt},
};

use super::record::SpanRecord;

/// A span of this crate's [`Tracer`](super::Tracer).
#[derive(Debug)]
pub struct Span(State);

#[derive(Debug)]
enum State {
    Recording(Box<SpanRecord>),
    /// Span that is not recorded, or that has ended.
    NonRecording(SpanContext),
    /// Handle to the span of an exchange. All calls are forwarded to it, except its end.
    Alias {
        context: Context,
        identity: SpanContext,
    },
}

impl Span {
    #[inline]
    pub(super) const fn recording(record: Box<SpanRecord>) -> Self {
        Self(State::Recording(record))
    }

    pub(super) const fn non_recording(identity: SpanContext) -> Self {
        Self(State::NonRecording(identity))
    }

    /// Returns a second handle to the span in `context`.
    pub(super) fn alias(context: &Context) -> Self {
        let identity = context.span().span_context().clone();
        Self(State::Alias { context: context.clone(), identity })
    }

    #[inline]
    fn finish(&mut self, end_time: Option<SystemTime>) {
        let State::Recording(record) = &self.0 else { return };
        let ended = State::NonRecording(record.identity.clone());
        let State::Recording(mut record) = mem::replace(&mut self.0, ended) else { return };
        record.end_time = end_time.unwrap_or_else(time::now);
        if let Some(owner) = record.owner.as_ref().map(Arc::clone) {
            owner.on_end(record);
        }
    }
}

impl trace::Span for Span {
    fn add_event_with_timestamp<T>(
        &mut self,
        name: T,
        timestamp: SystemTime,
        attributes: Vec<KeyValue>,
    ) where
        T: Into<Cow<'static, str>>,
    {
        match &mut self.0 {
            State::Recording(record) => record.add_event(name.into(), timestamp, attributes),
            State::NonRecording(_) => {}
            State::Alias { context, .. } => {
                context.span().add_event_with_timestamp(name, timestamp, attributes);
            }
        }
    }

    fn span_context(&self) -> &SpanContext {
        match &self.0 {
            State::Recording(record) => &record.identity,
            State::NonRecording(identity) | State::Alias { identity, .. } => identity,
        }
    }

    fn is_recording(&self) -> bool {
        match &self.0 {
            State::Recording(_) => true,
            State::NonRecording(_) => false,
            State::Alias { context, .. } => context.span().is_recording(),
        }
    }

    #[inline]
    fn set_attribute(&mut self, attribute: KeyValue) {
        match &mut self.0 {
            State::Recording(record) => record.facts.attribute(attribute),
            State::NonRecording(_) => {}
            State::Alias { context, .. } => context.span().set_attribute(attribute),
        }
    }

    /// The statuses form a total order: `Ok`, `Error`, `Unset`. A lower status never replaces a higher one.
    fn set_status(&mut self, status: Status) {
        match &mut self.0 {
            State::Recording(record) if record.status < status => record.status = status,
            State::Recording(_) | State::NonRecording(_) => {}
            State::Alias { context, .. } => context.span().set_status(status),
        }
    }

    fn update_name<T>(&mut self, name: T)
    where
        T: Into<Cow<'static, str>>,
    {
        match &mut self.0 {
            State::Recording(record) => record.name = name.into(),
            State::NonRecording(_) => {}
            State::Alias { context, .. } => context.span().update_name(name),
        }
    }

    fn add_link(&mut self, span_context: SpanContext, attributes: Vec<KeyValue>) {
        match &mut self.0 {
            State::Recording(record) => record.add_link(span_context, attributes),
            State::NonRecording(_) => {}
            State::Alias { context, .. } => context.span().add_link(span_context, attributes),
        }
    }

    /// Ends the span. An alias does nothing, because only the exchange ends its own span.
    fn end_with_timestamp(&mut self, timestamp: SystemTime) {
        self.finish(Some(timestamp));
    }
}

impl Drop for Span {
    #[inline]
    fn drop(&mut self) {
        self.finish(None);
    }
}
