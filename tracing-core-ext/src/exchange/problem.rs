use std::{borrow::Cow, fmt};

use http::StatusCode;
use opentelemetry::{Array, Context, TraceId, Value, trace::TraceContextExt};
use serde_core::{Serialize, Serializer, ser::SerializeMap};

use super::spans::attribute_value::AttributeValue;
use crate::{bridge::request_attributes, http::RequestId, semconv::names};

/// Names of the members that RFC 9457 and this type define.
const MEMBERS: [&str; 7] =
    ["type", "title", "status", "detail", "instance", "trace_id", names::REQUEST_ID];

/// Description of a failed request for its caller: "Problem Details for HTTP APIs" (RFC 9457), with the ID of the trace
/// and of the request.
///
/// It serialises to the JSON object of the RFC. `tracing_axum_layer::Problem` and `tracing_actix_middleware::Problem` are responses with
/// such a body and the media type `application/problem+json`.
///
/// ```
/// use tracing_core_ext::exchange::ProblemDetails;
///
/// let problem = ProblemDetails::new(409).detail("the item is sold out").member("item", "tea");
/// assert_eq!(
///     serde_json::to_value(&problem)?,
///     serde_json::json!({
///         "title": "Conflict",
///         "status": 409,
///         "detail": "the item is sold out",
///         "item": "tea",
///     })
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// In a request, the object also has `"trace_id": "0af7651916cd43dd8448eb211c80319c"`, and with the option
/// [`request_id`](crate::exchange::Builder::request_id) `request_id`.
#[derive(Clone, Debug, PartialEq)]
pub struct ProblemDetails {
    kind: Option<Cow<'static, str>>,
    title: Option<Cow<'static, str>>,
    status: StatusCode,
    detail: Option<String>,
    instance: Option<String>,
    trace_id: Option<TraceId>,
    request_id: Option<RequestId>,
    members: Vec<(Cow<'static, str>, Value)>,
}

impl ProblemDetails {
    /// Describes a problem with this status code, in the current request. The title is the reason phrase of the code.
    ///
    /// A number that is no status code (100 to 999) becomes 500.
    pub fn new(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Context::map_current(|context| Self {
            kind: None,
            title: status.canonical_reason().map(Cow::Borrowed),
            status,
            detail: None,
            instance: None,
            trace_id: trace_id_of(context),
            request_id: request_attributes::of(context).and_then(|it| it.request_id().cloned()),
            members: Vec::new(),
        })
    }

    /// Sets `type`, a URI that identifies the kind of the problem. Without it the kind is that of the status code.
    #[must_use]
    pub fn kind(mut self, uri: impl Into<Cow<'static, str>>) -> Self {
        self.kind = Some(uri.into());
        self
    }

    /// Sets `title`, a summary of the kind of the problem. It should not change from occurrence to occurrence.
    #[must_use]
    pub fn title(mut self, title: impl Into<Cow<'static, str>>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Sets `detail`, an explanation of this occurrence. The caller reads it, so it must not contain internals.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Sets `instance`, a URI that identifies this occurrence.
    #[must_use]
    pub fn instance(mut self, uri: impl Into<String>) -> Self {
        self.instance = Some(uri.into());
        self
    }

    /// Adds a member. A second value of a name replaces the first. A name that this type or the RFC defines is ignored,
    /// because the object would have it twice.
    #[must_use]
    pub fn member(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl AttributeValue,
    ) -> Self {
        let (name, value) = (name.into(), value.into_value());
        if !MEMBERS.contains(&&*name) {
            self.members.retain(|(known, _)| *known != name);
            self.members.push((name, value));
        }
        self
    }

    /// Returns the status code.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the ID of the trace, if the problem was made in one.
    pub const fn trace_id(&self) -> Option<TraceId> {
        self.trace_id
    }

    /// Returns the ID of the request, if the problem was made in one that has an ID.
    pub const fn request_id(&self) -> Option<&RequestId> {
        self.request_id.as_ref()
    }
}

fn trace_id_of(context: &Context) -> Option<TraceId> {
    let span = context.span();
    let identity = span.span_context();
    identity.is_valid().then(|| identity.trace_id())
}

/// The status, the title and the detail, for log lines.
impl fmt::Display for ProblemDetails {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status.as_u16())?;
        self.title.iter().try_for_each(|title| write!(f, " {title}"))?;
        self.detail.iter().try_for_each(|detail| write!(f, ": {detail}"))
    }
}

impl std::error::Error for ProblemDetails {}

impl Serialize for ProblemDetails {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("status", &self.status.as_u16())?;
        let trace_id = self.trace_id.map(|id| id.to_string());
        let text = [
            ("type", self.kind.as_deref()),
            ("title", self.title.as_deref()),
            ("detail", self.detail.as_deref()),
            ("instance", self.instance.as_deref()),
            ("trace_id", trace_id.as_deref()),
            (names::REQUEST_ID, self.request_id.as_ref().map(RequestId::as_str)),
        ];
        for (name, value) in text {
            value.map_or(Ok(()), |value| map.serialize_entry(name, value))?;
        }
        for (name, value) in &self.members {
            map.serialize_key(name)?;
            map.serialize_value(&Member(value))?;
        }
        map.end()
    }
}

/// Value of a member.
struct Member<'a>(&'a Value);

impl Serialize for Member<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::I64(value) => serializer.serialize_i64(*value),
            Value::F64(value) => serializer.serialize_f64(*value),
            Value::String(value) => serializer.serialize_str(value.as_str()),
            Value::Array(Array::Bool(values)) => serializer.collect_seq(values),
            Value::Array(Array::I64(values)) => serializer.collect_seq(values),
            Value::Array(Array::F64(values)) => serializer.collect_seq(values),
            Value::Array(Array::String(values)) => {
                serializer.collect_seq(values.iter().map(|value| value.as_str()))
            }
            other => serializer.serialize_str(&other.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_members_are_written_once() {
        let problem = ProblemDetails::new(503)
            .kind("https://shop.example/problems/closed")
            .title("Closed")
            .detail("until \"nine\"\n")
            .instance("/orders/7")
            .member("retry", 3)
            .member("retry", 4)
            .member("status", 200)
            .member("trace_id", "forged")
            .member("open", vec![9_i64, 18]);
        let expected = json!({
            "type": "https://shop.example/problems/closed",
            "title": "Closed",
            "status": 503,
            "detail": "until \"nine\"\n",
            "instance": "/orders/7",
            "retry": 4,
            "open": [9, 18],
        });
        let text = serde_json::to_string(&problem).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), expected);
        assert_eq!(text.matches("status").count(), 1);
        assert_eq!(problem.to_string(), "503 Closed: until \"nine\"\n");
    }

    #[test]
    fn a_number_that_is_no_status_is_an_internal_error() {
        for status in [0, 99, 1000, u16::MAX] {
            assert_eq!(ProblemDetails::new(status).status(), StatusCode::INTERNAL_SERVER_ERROR);
        }
        assert_eq!(serde_json::to_value(ProblemDetails::new(499)).unwrap(), json!({"status": 499}));
    }
}
