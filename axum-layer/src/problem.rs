use std::{fmt, ops::Deref};

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header::CONTENT_TYPE};
use tracing_core_ext::exchange::ProblemDetails;

/// Response of a request that failed: problem details (RFC 9457) with the IDs of trace and request.
///
/// ```
/// use axum::{Router, extract::Path, routing::get};
/// use tracing_axum_layer::{Problem, ProblemDetails};
///
/// async fn item(Path(id): Path<u32>) -> Result<String, Problem> {
///     match id {
///         7 => Ok("tea".to_owned()),
///         _ => Err(ProblemDetails::new(404).detail("no such item").into()),
///     }
/// }
/// # let _: Router = Router::new().route("/items/{id}", get(item));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Problem(ProblemDetails);

impl From<ProblemDetails> for Problem {
    fn from(details: ProblemDetails) -> Self {
        Self(details)
    }
}

impl Deref for Problem {
    type Target = ProblemDetails;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Problem {}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // Text and numbers can always be written.
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        let media_type = HeaderValue::from_static("application/problem+json");
        (self.status(), [(CONTENT_TYPE, media_type)], body).into_response()
    }
}
