//! The event of a request that has ended.

use std::fmt;

use opentelemetry::{Key, Value as AttributeValue};
use tracing::field::{self, Value};

use super::{
    RequestLog,
    callsite::{self, Callsites},
    ended_request::EndedRequest,
};
use crate::{
    base::contain, bridge::request_attributes::LogKeys, http::method::Method, semconv::names,
};

/// Fields of every line, in the order of the values in [`LogWriter::write_as`]. The fields of attributes follow.
const FIELDS: [&str; 19] = [
    "message",
    names::HTTP_REQUEST_METHOD,
    names::HTTP_REQUEST_METHOD_ORIGINAL,
    names::URL_PATH,
    names::URL_QUERY,
    names::URL_SCHEME,
    names::NETWORK_PROTOCOL_VERSION,
    names::HTTP_ROUTE,
    names::HTTP_RESPONSE_STATUS_CODE,
    names::RPC_RESPONSE_STATUS_CODE,
    names::HTTP_SERVER_REQUEST_DURATION,
    names::HTTP_REQUEST_BODY_SIZE,
    names::HTTP_RESPONSE_BODY_SIZE,
    names::ERROR_TYPE,
    names::EXCEPTION_TYPE,
    names::EXCEPTION_MESSAGE,
    names::CLIENT_ADDRESS,
    names::USER_AGENT_ORIGINAL,
    names::REQUEST_ID,
];

/// Values that only the line has, beside those of the [`EndedRequest`].
#[derive(Clone, Debug, Default)]
pub(crate) struct LineDetails {
    pub(crate) request_size: Option<u64>,
    pub(crate) response_size: Option<u64>,
    pub(crate) exception_type: Option<&'static str>,
    pub(crate) exception_message: Option<String>,
}

/// Writer of the lines of one middleware.
pub(crate) struct LogWriter {
    log: RequestLog,
    callsites: &'static Callsites,
    /// Keys of the fields for attributes.
    keys: Vec<Key>,
}

impl LogWriter {
    /// Creates the writer, whose lines have the attributes that `keys` selects.
    pub(crate) fn new(log: RequestLog, keys: &LogKeys) -> Self {
        let is_new = |key: &&Key| !FIELDS.contains(&key.as_str());
        let keys: Vec<Key> = keys.all().filter(is_new).cloned().collect();
        let names: Vec<&str> = FIELDS.into_iter().chain(keys.iter().map(Key::as_str)).collect();
        Self { log, callsites: Callsites::with_fields(&names), keys }
    }

    pub(crate) const fn has_query(&self) -> bool {
        self.log.with_query
    }

    /// Writes the line of a request. `details` is called only if a subscriber is interested in the line.
    pub(crate) fn write(&self, ended: &EndedRequest<'_>, details: impl FnOnce() -> LineDetails) {
        let default_level = || Some(ended.default_level());
        let level = match &self.log.level {
            Some(level) => {
                contain("the option request_log", || level(ended)).unwrap_or_else(default_level)
            }
            None => default_level(),
        };
        let Some(metadata) = level.and_then(|level| self.callsites.enabled(level)) else { return };
        self.write_as(metadata, ended, &details());
    }

    fn write_as(
        &self,
        metadata: &'static tracing::Metadata<'static>,
        ended: &EndedRequest<'_>,
        details: &LineDetails,
    ) {
        let entry = ended.entry;
        let method = Method::of(entry.method).as_span_name();
        let (space, route) = ended.route.map_or(("", ""), |route| (" ", route));
        let status = ended.status.map(u64::from);
        let (version, client) =
            (entry.version.map(|it| it.as_str()), entry.client.map(field::display));
        let path = (!entry.path.is_empty()).then_some(&*entry.path);
        let request_id = ended.attributes.and_then(|it| it.request_id()).map(|id| id.as_str());
        let attributes: Vec<_> =
            self.keys.iter().map(|key| ended.attribute(key.as_str()).map(as_field)).collect();
        let values: [Option<&dyn Value>; FIELDS.len()] = [
            Some(&format_args!("{method}{space}{route}")),
            Some(&entry.method),
            of(&entry.original_method),
            of(&path),
            of(&entry.query),
            Some(&entry.scheme),
            of(&version),
            of(&ended.route),
            of(&status),
            of(&ended.rpc_status),
            Some(&ended.duration.as_secs_f64()),
            of(&details.request_size),
            of(&details.response_size),
            of(&ended.error_type),
            of(&details.exception_type),
            of(&details.exception_message),
            of(&client),
            of(&entry.user_agent),
            of(&request_id),
        ];
        let attributes = attributes.iter().map(|value| value.as_deref());
        callsite::write(metadata, &values.into_iter().chain(attributes).collect::<Vec<_>>());
    }
}

/// Returns the value of a field that may be absent.
fn of<V: Value>(value: &Option<V>) -> Option<&dyn Value> {
    value.as_ref().map(|value| value as &dyn Value)
}

/// Returns an attribute as the value of a field. A list is its text, because fields have no lists.
fn as_field(value: AttributeValue) -> Box<dyn Value> {
    match value {
        AttributeValue::Bool(value) => Box::new(value),
        AttributeValue::I64(value) => Box::new(value),
        AttributeValue::F64(value) => Box::new(value),
        AttributeValue::String(value) => Box::new(String::from(value)),
        other => Box::new(other.to_string()),
    }
}

impl fmt::Debug for LogWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.log.fmt(f)
    }
}
