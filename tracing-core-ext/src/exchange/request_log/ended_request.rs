use std::time::Duration;

use http::StatusCode;
use opentelemetry::Value;
use tracing::Level;

use super::entry::LogEntry;
use crate::{bridge::request_attributes::RequestAttributes, exchange::outcome::Outcome};

/// A request whose exchange has ended, for the rule that chooses the level of its line.
#[derive(Clone, Copy, Debug)]
pub struct EndedRequest<'a> {
    pub(crate) entry: &'a LogEntry,
    pub(crate) attributes: Option<&'a RequestAttributes>,
    pub(crate) outcome: Outcome,
    pub(crate) route: Option<&'static str>,
    pub(crate) status: Option<u16>,
    pub(crate) rpc_status: Option<&'static str>,
    pub(crate) error_type: Option<&'a str>,
    pub(crate) duration: Duration,
}

impl<'a> EndedRequest<'a> {
    /// Returns the method: a known one, or `_OTHER`.
    pub const fn method(&self) -> &'static str {
        self.entry.method
    }

    /// Returns the path, without the query.
    pub fn path(&self) -> &'a str {
        &self.entry.path
    }

    /// Returns the pattern of the route that matched, such as `/items/{id}`.
    pub const fn route(&self) -> Option<&'static str> {
        self.route
    }

    /// Returns the outcome.
    pub const fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Returns the status of the response, if there was one.
    pub fn status(&self) -> Option<StatusCode> {
        StatusCode::from_u16(self.status?).ok()
    }

    /// Returns the name of the gRPC status, such as `NOT_FOUND`, if there was one.
    pub const fn rpc_status(&self) -> Option<&'static str> {
        self.rpc_status
    }

    /// Returns `error.type`; `None` if the exchange is no error of the server.
    pub const fn error_type(&self) -> Option<&'a str> {
        self.error_type
    }

    /// Returns the time from the start of the exchange to its end.
    pub const fn duration(&self) -> Duration {
        self.duration
    }

    /// Returns the value of an attribute that is a field of the line.
    pub fn attribute(&self, key: &str) -> Option<Value> {
        self.attributes?.get(key)
    }

    /// Returns the level that the line has without a rule: `ERROR` if the server failed, `WARN` if the caller caused it
    /// (a 4xx, or a disconnect), or else `INFO`.
    pub fn default_level(&self) -> Level {
        match (self.outcome, self.error_type, self.status) {
            (Outcome::Cancelled, ..) => Level::WARN,
            (_, Some(_), _) => Level::ERROR,
            (_, None, Some(400..500)) => Level::WARN,
            (_, None, _) => Level::INFO,
        }
    }
}
