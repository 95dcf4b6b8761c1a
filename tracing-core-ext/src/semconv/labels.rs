use std::{borrow::Cow, cell::Cell};

use opentelemetry::{KeyValue, StringValue};

use super::names;
use crate::http::ProtocolVersion;

/// Labels of an exchange at its start. No value can be chosen by a caller, except `server.address` on a server, which
/// is opt-in.
#[derive(Debug)]
pub(crate) struct RequestLabels {
    /// A known method or `_OTHER`.
    pub(crate) method: &'static str,
    /// Scheme of a server's request: `http`, `https` or `_OTHER`.
    pub(crate) scheme: Option<&'static str>,
    /// Host and port of the server.
    pub(crate) server: Option<(StringValue, Option<u16>)>,
    /// Pattern that the URL of a client's request was made from.
    pub(crate) template: Option<&'static str>,
}

/// Labels of an exchange at its end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EndLabels<'a> {
    pub(crate) status: Option<u16>,
    pub(crate) error_type: Option<&'a Cow<'static, str>>,
    pub(crate) version: Option<ProtocolVersion>,
    pub(crate) route: Option<&'static str>,
}

impl RequestLabels {
    /// Returns the labels of a request in flight.
    pub(crate) fn active_labels(&self) -> [KeyValue; 2] {
        active(self.method, self.scheme.unwrap_or(""))
    }

    /// Adds the labels of a request that has ended, sorted by key: in that order the SDK need not store a sorted copy
    /// too.
    pub(crate) fn push(&self, end: &EndLabels<'_>, labels: &mut Vec<KeyValue>) {
        if let Some(error_type) = end.error_type {
            labels.push(KeyValue::new(names::ERROR_TYPE, error_type.clone()));
        }
        labels.push(KeyValue::new(names::HTTP_REQUEST_METHOD, self.method));
        if let Some(status) = end.status {
            labels.push(KeyValue::new(names::HTTP_RESPONSE_STATUS_CODE, i64::from(status)));
        }
        if let Some(route) = end.route {
            labels.push(KeyValue::new(names::HTTP_ROUTE, route));
        }
        if let Some(version) = end.version {
            labels.push(KeyValue::new(names::NETWORK_PROTOCOL_VERSION, version.as_str()));
        }
        if let Some((address, port)) = &self.server {
            labels.push(KeyValue::new(names::SERVER_ADDRESS, address.clone()));
            labels.extend(port.map(|port| KeyValue::new(names::SERVER_PORT, i64::from(port))));
        }
        if let Some(scheme) = self.scheme {
            labels.push(KeyValue::new(names::URL_SCHEME, scheme));
        }
        if let Some(template) = self.template {
            labels.push(KeyValue::new(names::URL_TEMPLATE, template));
        }
    }
}

/// Returns the labels of the requests in flight with this method and scheme.
pub(crate) fn active(method: &'static str, scheme: &'static str) -> [KeyValue; 2] {
    [KeyValue::new(names::HTTP_REQUEST_METHOD, method), KeyValue::new(names::URL_SCHEME, scheme)]
}

thread_local! {
    /// Buffer for the labels of one measurement, so that no measurement allocates one.
    static SCRATCH: Cell<Vec<KeyValue>> = const { Cell::new(Vec::new()) };
}

/// Calls `record` with an empty list.
pub(crate) fn with_scratch(record: impl FnOnce(&mut Vec<KeyValue>)) {
    // An exchange may be dropped by a thread whose thread-locals are destroyed.
    let mut labels = SCRATCH.try_with(Cell::take).unwrap_or_default();
    record(&mut labels);
    labels.clear();
    let _ = SCRATCH.try_with(|room| room.set(labels));
}

/// Adds `label`, and replaces a label with the same key.
pub(crate) fn set(labels: &mut Vec<KeyValue>, label: KeyValue) {
    match labels.iter_mut().find(|known| known.key == label.key) {
        Some(known) => *known = label,
        None => labels.push(label),
    }
}
