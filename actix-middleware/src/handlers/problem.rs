use std::{error, fmt, ops::Deref};

use actix_web::{
    HttpRequest, HttpResponse, Responder, ResponseError, body::BoxBody, http::StatusCode,
};
use tracing_core_ext::exchange::ProblemDetails;

/// Response of a request that failed: problem details (RFC 9457) with the IDs of trace and request.
/// It is an error and a responder.
///
/// ```
/// use tracing_actix_middleware::{Problem, ProblemDetails};
/// use actix_web::web::Path;
///
/// #[actix_web::get("/items/{id}")]
/// async fn item(id: Path<u32>) -> Result<String, Problem> {
///     match *id {
///         7 => Ok("tea".to_owned()),
///         _ => Err(ProblemDetails::new(404).detail("no such item").into()),
///     }
/// }
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

impl error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        let status = StatusCode::from_u16(self.status().as_u16());
        status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        // Text and numbers can always be written.
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        HttpResponse::build(self.status_code()).content_type("application/problem+json").body(body)
    }
}

impl Responder for Problem {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse<BoxBody> {
        self.error_response()
    }
}
