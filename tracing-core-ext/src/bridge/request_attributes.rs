//! Attributes of a request that its log lines have, stored in the OpenTelemetry context of the request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry::{Context, Key, KeyValue, Value};
use tracing::Event;

use crate::{http::RequestId, semconv::names};

/// Target of the events of a request log, which have the attributes as fields of their own.
pub(crate) const REQUEST_LOG: &str = "tracing_core_ext::request_log";

/// Keys of the attributes that are kept for log lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct LogKeys {
    /// Keys for every line of the request.
    pub(crate) lines: Vec<Key>,
    /// Keys for the line of the request log only.
    pub(crate) request_log: Vec<Key>,
}

impl LogKeys {
    pub(crate) const fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.request_log.is_empty()
    }

    /// Returns all keys, each once.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Key> {
        let more = self.request_log.iter().filter(|key| !self.lines.contains(key));
        self.lines.iter().chain(more)
    }
}

/// Attributes of one request whose keys are kept for log lines, and its ID. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct RequestAttributes(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    keys: Arc<LogKeys>,
    request_id: Option<RequestId>,
    attributes: Mutex<Vec<KeyValue>>,
}

impl RequestAttributes {
    pub(crate) fn new(keys: &Arc<LogKeys>, request_id: Option<RequestId>) -> Self {
        let (keys, attributes) = (Arc::clone(keys), Mutex::default());
        Self(Arc::new(Inner { keys, request_id, attributes }))
    }

    /// Returns the ID of the request, if it has one.
    pub(crate) fn request_id(&self) -> Option<&RequestId> {
        self.0.request_id.as_ref()
    }

    /// Keeps `attribute` if its key was selected, and replaces an attribute with the same key.
    pub(crate) fn set(&self, attribute: &KeyValue) {
        if !self.0.keys.all().any(|key| *key == attribute.key) {
            return;
        }
        let mut attributes = self.attributes();
        match attributes.iter_mut().find(|known| known.key == attribute.key) {
            Some(known) => known.value = attribute.value.clone(),
            None => attributes.push(attribute.clone()),
        }
    }

    /// Returns the value of an attribute that was kept.
    pub(crate) fn get(&self, key: &str) -> Option<Value> {
        let attributes = self.attributes();
        attributes.iter().find(|known| known.key.as_str() == key).map(|known| known.value.clone())
    }

    /// Calls `f` with each attribute for every line.
    pub(crate) fn for_each_of_lines<E>(
        &self,
        mut f: impl FnMut(&str, &Value) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Some(id) = &self.0.request_id {
            f(names::REQUEST_ID, &id.to_value())?;
        }
        let attributes = self.attributes();
        let in_lines = attributes.iter().filter(|it| self.0.keys.lines.contains(&it.key));
        in_lines.into_iter().try_for_each(|it| f(it.key.as_str(), &it.value))
    }

    fn attributes(&self) -> MutexGuard<'_, Vec<KeyValue>> {
        self.0.attributes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the attributes that are added to the line of `event` in `context`. The line of a request log has them as
/// fields of its own.
pub(crate) fn of_line<'a>(
    context: Option<&'a Context>,
    event: &Event<'_>,
) -> Option<&'a RequestAttributes> {
    of(context?).filter(|_| event.metadata().target() != REQUEST_LOG)
}

/// Returns the attributes of the request of `context`.
pub(crate) fn of(context: &Context) -> Option<&RequestAttributes> {
    context.get()
}
