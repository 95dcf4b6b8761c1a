use std::{borrow::Cow, cell::Cell};

use opentelemetry::{KeyValue, StringValue};

use super::names;
use crate::http::ProtocolVersion;

/// Labels an exchange has from its start. None is made of what a caller chooses freely, but for the server of a server,
/// where that was asked for.
#[derive(Debug)]
pub(crate) struct RequestLabels {
    /// A known method or `_OTHER`.
    pub(crate) method: &'static str,
    /// Of a server: `http`, `https` or `_OTHER`.
    pub(crate) scheme: Option<&'static str>,
    /// Host and port of the server.
    pub(crate) server: Option<(StringValue, Option<u16>)>,
    /// Of a client: what the URL was made from.
    pub(crate) template: Option<&'static str>,
}

/// Labels an exchange has at its end.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct EndLabels<'a> {
    pub(crate) status: Option<u16>,
    pub(crate) error_type: Option<&'a Cow<'static, str>>,
    pub(crate) version: Option<ProtocolVersion>,
    pub(crate) route: Option<&'static str>,
}

impl RequestLabels {
    /// Labels of a request in flight.
    pub(crate) fn active_labels(&self) -> [KeyValue; 2] {
        active(self.method, self.scheme.unwrap_or(""))
    }

    /// Those of a request that has ended, by their keys: in that order the SDK need not keep them in another one too.
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

/// Labels of the requests in flight with this method and scheme.
pub(crate) fn active(method: &'static str, scheme: &'static str) -> [KeyValue; 2] {
    [KeyValue::new(names::HTTP_REQUEST_METHOD, method), KeyValue::new(names::URL_SCHEME, scheme)]
}

thread_local! {
    /// Room for the labels of one measurement, so that none is allocated.
    static SCRATCH: Cell<Vec<KeyValue>> = const { Cell::new(Vec::new()) };
}

/// Hands an empty list to `record`.
pub(crate) fn with_scratch(record: impl FnOnce(&mut Vec<KeyValue>)) {
    // An exchange may be dropped by a thread that has lost its thread-locals.
    let mut labels = SCRATCH.try_with(Cell::take).unwrap_or_default();
    record(&mut labels);
    labels.clear();
    let _ = SCRATCH.try_with(|room| room.set(labels));
}

/// Adds `label`, in the place of another one with its key.
pub(crate) fn set(labels: &mut Vec<KeyValue>, label: KeyValue) {
    match labels.iter_mut().find(|known| known.key == label.key) {
        Some(known) => *known = label,
        None => labels.push(label),
    }
}
