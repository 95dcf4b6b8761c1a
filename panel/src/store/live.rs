//! Subscriptions to new telemetry.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast};

use crate::model::{LogRecord, Span};

/// Maximum number of concurrent subscribers.
const MOST_SUBSCRIBERS: usize = 64;
/// Maximum number of events that wait for a slow subscriber. Older events are skipped.
const MOST_WAITING: usize = 1024;

/// Sender of events to subscribers.
#[derive(Debug)]
pub(super) struct Live {
    sender: broadcast::Sender<LiveEvent>,
    permits: Arc<Semaphore>,
}

/// New span or record.
#[derive(Clone, Debug)]
pub enum LiveEvent {
    /// Root of a trace, or a span of a request or message.
    Request(Arc<Span>),
    /// Log record.
    Log(Arc<LogRecord>),
}

/// Subscription that ends when it is dropped.
#[derive(Debug)]
pub struct LiveGuard {
    /// Receiver of the events.
    pub events: broadcast::Receiver<LiveEvent>,
    _permit: OwnedSemaphorePermit,
}

impl Default for Live {
    fn default() -> Self {
        let (sender, _) = broadcast::channel(MOST_WAITING);
        Self { sender, permits: Arc::new(Semaphore::new(MOST_SUBSCRIBERS)) }
    }
}

impl Live {
    pub(super) fn span(&self, span: &Arc<Span>) {
        if span.is_entry() && self.sender.receiver_count() > 0 {
            let _ = self.sender.send(LiveEvent::Request(Arc::clone(span)));
        }
    }

    pub(super) fn log(&self, record: Arc<LogRecord>) {
        if self.sender.receiver_count() > 0 {
            let _ = self.sender.send(LiveEvent::Log(record));
        }
    }

    pub(super) fn subscribe(&self) -> Option<LiveGuard> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok()?;
        Some(LiveGuard { events: self.sender.subscribe(), _permit: permit })
    }
}
