//! Requests that read and change settings of the running service.

use std::{
    net::SocketAddr,
    sync::{Mutex, OnceLock, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header, request::Parts};
use http_body::Body;
use http_body_util::{BodyExt, Limited};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    control_access::ControlAccess,
    responses::{body, line},
};
use crate::{
    base::error::TelemetryError,
    config::{
        control::{Control, Current},
        env::Env,
        traces::SamplerTexts,
    },
};

/// Error of a body.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";
const ALLOW: &str = "GET, HEAD, PUT, DELETE";

/// Largest body of a request, in bytes.
const MAX_BODY: usize = 16 << 10;

/// Largest size of all values of fields in a log filter, in bytes.
const MAX_VALUES: usize = 512;

/// Largest number of dots in a value of a field: those of an IP address. Each can double the states of an automaton.
const MAX_DOTS: usize = 3;

/// Time between two log lines about refused requests.
const REFUSAL_PERIOD: Duration = Duration::from_secs(1);

/// Settings that requests may change, and who may do so.
#[derive(Debug)]
pub(crate) struct ControlRoutes {
    access: ControlAccess,
    control: OnceLock<Control>,
    refusals: Mutex<Refusals>,
}

/// Refused requests since the last log line.
#[derive(Debug, Default)]
struct Refusals {
    logged: Option<Instant>,
    omitted: u64,
}

#[derive(Clone, Copy, Debug)]
enum Setting {
    LogFilter,
    Sampling,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogFilterChange {
    filter: String,
    seconds: Option<u64>,
}

/// The texts have the form of the environment variables.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SamplingChange {
    sampler: String,
    argument: Option<String>,
    rules: Option<String>,
    seconds: Option<u64>,
}

impl ControlRoutes {
    pub(crate) fn new(access: ControlAccess) -> Self {
        Self { access, control: OnceLock::new(), refusals: Mutex::default() }
    }

    pub(crate) fn set_control(&self, control: &Control) {
        let _ = self.control.set(control.clone());
    }

    /// Whether requests to `path` are for these routes.
    pub(super) fn has(path: &str) -> bool {
        path.starts_with("/control/")
    }

    /// Responds to a request from `peer`. The body of a refused request is not read.
    pub(crate) async fn respond(
        &self,
        peer: SocketAddr,
        head: Parts,
        sent: impl Body<Data = Bytes, Error: Into<BoxError>>,
    ) -> Response<Bytes> {
        let is_head = head.method == Method::HEAD;
        let response = self.answer(peer, &head, sent).await;
        match is_head {
            true => response.map(|_| Bytes::new()),
            false => response,
        }
    }

    async fn answer(
        &self,
        peer: SocketAddr,
        head: &Parts,
        sent: impl Body<Data = Bytes, Error: Into<BoxError>>,
    ) -> Response<Bytes> {
        if let Some((status, reason)) = self.access.refusal(peer, &head.headers) {
            self.log_refusal(peer, head, reason);
            return problem(status, reason);
        }
        let Some(setting) = Setting::at(head.uri.path()) else {
            let text = "not found: try /control/log-filter or /control/sampling";
            return line(StatusCode::NOT_FOUND, text);
        };
        let Some(control) = self.control.get() else {
            return problem(StatusCode::SERVICE_UNAVAILABLE, "the service is starting");
        };
        let source = peer.to_string();
        let changed = match head.method {
            Method::GET | Method::HEAD => Ok(()),
            Method::PUT => match Limited::new(sent, MAX_BODY).collect().await {
                Ok(sent) => setting.change(control, &sent.to_bytes(), &source),
                Err(_) => Err(format!("the body could not be read, or is over {MAX_BODY} bytes")),
            },
            Method::DELETE => setting.reset(control, &source),
            _ => return not_allowed(),
        };
        match changed {
            Ok(()) => setting.state(control),
            Err(reason) => {
                self.log_refusal(peer, head, &reason);
                problem(StatusCode::BAD_REQUEST, &reason)
            }
        }
    }

    /// Logs a refusal, at most one in a second, because callers from the network choose their number.
    fn log_refusal(&self, peer: SocketAddr, head: &Parts, reason: &str) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        if refusals.logged.is_some_and(|logged| logged.elapsed() < REFUSAL_PERIOD) {
            refusals.omitted += 1;
            return;
        }
        refusals.logged = Some(Instant::now());
        let omitted = std::mem::take(&mut refusals.omitted);
        drop(refusals);
        let write = || {
            tracing::warn!(
                peer = %peer,
                method = %head.method,
                path = head.uri.path(),
                reason,
                omitted,
                "a request to change a setting is refused"
            );
        };
        match self.control.get() {
            Some(control) => control.log().log(write),
            None => write(),
        }
    }
}

impl Setting {
    fn at(path: &str) -> Option<Self> {
        match path.trim_end_matches('/') {
            "/control/log-filter" => Some(Self::LogFilter),
            "/control/sampling" => Some(Self::Sampling),
            _ => None,
        }
    }

    fn change(self, control: &Control, sent: &[u8], source: &str) -> Result<(), String> {
        match self {
            Self::LogFilter => {
                let LogFilterChange { filter, seconds } = parsed(sent)?;
                if is_costly(&filter) {
                    let expected = "values of fields without patterns, of at most 512 bytes in all, such as \
                                    [span{id=7}]=debug";
                    return Err(text(TelemetryError::setting("filter", filter, expected)));
                }
                control.set_log_filter_from("filter", &filter, limit(seconds), source)
            }
            Self::Sampling => {
                let SamplingChange { sampler, argument, rules, seconds } = parsed(sent)?;
                let sampler = Env::sampler_of(SamplerTexts { sampler, argument, rules });
                control.set_sampler_from(sampler.map_err(text)?, limit(seconds), source)
            }
        }
        .map_err(text)
    }

    fn reset(self, control: &Control, source: &str) -> Result<(), String> {
        match self {
            Self::LogFilter => control.reset_log_filter_from(source),
            Self::Sampling => control.reset_sampler_from(source),
        }
        .map_err(text)
    }

    fn state(self, control: &Control) -> Response<Bytes> {
        match self {
            Self::LogFilter => {
                let Current { value, until } = control.current_log_filter();
                state("filter", &json!(value), until)
            }
            Self::Sampling => {
                let Current { value, until } = control.current_sampler();
                // The text of a sampler is JSON in the form of the configuration schema.
                let value = value.to_string();
                let json = serde_json::from_str(&value).unwrap_or_else(|_| json!(value));
                state("sampler", &json, until)
            }
        }
    }
}

/// Whether values of fields are long or regular expressions. The states of an automaton grow exponentially with its dots
/// and repetitions, and its time more than its length, so one could block the listener and fill the memory.
fn is_costly(filter: &str) -> bool {
    let is_pattern = |value: &str| {
        let dots = value.matches('.').count();
        dots > MAX_DOTS || value.contains(['\\', '*', '+', '?', '|', '(', ')', '[', ']', '^', '$'])
    };
    let values = || filter.split(',').filter_map(value_of_field);
    values().any(is_pattern) || values().map(str::len).sum::<usize>() > MAX_VALUES
}

/// Returns the value of the field in a directive such as `shop[order{item=tea}]=debug`, unless it is a number.
fn value_of_field(directive: &str) -> Option<&str> {
    let (_, span) = directive.split_once('[')?;
    let (_, fields) = span.split_once('{')?;
    let (_, value) = fields.split('}').next()?.split_once('=')?;
    value.parse::<f64>().is_err().then_some(value)
}

fn parsed<T: DeserializeOwned>(sent: &[u8]) -> Result<T, String> {
    serde_json::from_slice(sent).map_err(|error| format!("the body is not valid: {error}"))
}

fn limit(seconds: Option<u64>) -> Option<Duration> {
    seconds.map(Duration::from_secs)
}

#[expect(clippy::needless_pass_by_value, reason = "an argument of map_err")]
fn text(error: TelemetryError) -> String {
    error.to_string()
}

fn state(name: &str, value: &Value, until: Option<SystemTime>) -> Response<Bytes> {
    let left = until.map(|until| until.duration_since(SystemTime::now()));
    let seconds = left.map(|left| left.unwrap_or_default().as_secs());
    let state = json!({ name: value, "reverts_in_seconds": seconds });
    body(StatusCode::OK, JSON, format!("{state}\n").into())
}

/// Returns a response with a reason: RFC 9457.
fn problem(status: StatusCode, reason: &str) -> Response<Bytes> {
    let title = status.canonical_reason();
    let problem = json!({ "title": title, "status": status.as_u16(), "detail": reason });
    let mut response = body(status, PROBLEM, format!("{problem}\n").into());
    if status == StatusCode::UNAUTHORIZED {
        let scheme = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
    }
    response
}

fn not_allowed() -> Response<Bytes> {
    let mut response = line(StatusCode::METHOD_NOT_ALLOWED, &format!("only {ALLOW} are allowed"));
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(ALLOW));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_and_long_values_are_costly_and_numbers_and_addresses_are_not() {
        for filter in [
            "info",
            "shop=debug,[s]=info",
            "[s{a}]=info",
            "[s{a=1.5}]",
            "[s{a=10.0.0.7}]=info",
            "a!{=trace,b)c=info",
        ] {
            assert!(!is_costly(filter), "{filter}");
        }
        let values = ["a+", "a|b", "(a)", "[ab]", r"\w", "^a", "a$", "a....."];
        for value in values {
            assert!(is_costly(&format!("[s{{a={value}}}]=info")), "{value}");
        }
        assert!(is_costly(&"[s{a=tea}]=info,".repeat(MAX_VALUES / 3 + 1)));
        assert!(!is_costly(&"shop=info,[s{a=1000}]=info".repeat(MAX_VALUES)));
    }
}
