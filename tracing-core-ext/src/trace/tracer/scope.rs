//! State of a tracer, which its records refer to.

use std::{fmt, sync::Arc};

use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::trace::SpanLimits;

use crate::{
    logs::{ExceptionLog, LogRecord, Logger},
    trace::{
        provider::state::ProviderState,
        record::{RecordOwner, SpanRecord},
        retention::held_span::HeldSpan,
    },
};

/// State that the spans of one tracer share.
pub(crate) struct TracerScope {
    pub(crate) scope: Arc<InstrumentationScope>,
    pub(crate) provider: Arc<ProviderState>,
}

impl RecordOwner for TracerScope {
    fn scope(&self) -> &Arc<InstrumentationScope> {
        &self.scope
    }

    fn limits(&self) -> SpanLimits {
        self.provider.limits
    }

    #[inline]
    fn exceptions(&self) -> Option<&ExceptionLog> {
        self.provider.exceptions.as_ref()
    }

    fn emit(&self, logger: &Logger, record: LogRecord) {
        self.provider.held.emit(logger, record);
    }

    #[inline]
    fn on_end(&self, record: Box<SpanRecord>) {
        self.provider.observer.on_end(record, |record| self.provider.on_end(record));
    }
}

impl fmt::Debug for TracerScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TracerScope").field(&self.scope.name()).finish()
    }
}

/// Owner of a record whose trace waits for a decision. Other records need no check at their end.
#[derive(Debug)]
pub(super) struct HeldScope {
    pub(super) tracer: Arc<TracerScope>,
    pub(super) held: HeldSpan,
}

impl RecordOwner for HeldScope {
    fn scope(&self) -> &Arc<InstrumentationScope> {
        &self.tracer.scope
    }

    fn limits(&self) -> SpanLimits {
        self.tracer.provider.limits
    }

    fn exceptions(&self) -> Option<&ExceptionLog> {
        self.tracer.provider.exceptions.as_ref()
    }

    fn emit(&self, logger: &Logger, record: LogRecord) {
        self.tracer.provider.held.emit(logger, record);
    }

    fn on_end(&self, record: Box<SpanRecord>) {
        let provider = &self.tracer.provider;
        provider.observer.on_end(record, |record| provider.end_held(record, &self.held));
    }
}
