use std::{
    convert::Infallible,
    error, fmt,
    future::{Ready, ready},
    ops::Deref,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, ResponseError, dev::Payload};
use tracing_core_ext::exchange;

/// Extractor of the request's span.
///
/// ```
/// use tracing_actix_middleware::RequestSpan;
///
/// #[actix_web::post("/checkout")]
/// async fn checkout(span: RequestSpan) -> String {
///     span.set_attribute("cart.items", 3);
///     span.trace_id().to_string()
/// }
/// ```
///
/// Extraction never fails. Without the middleware there is no span, and values recorded on it are
/// dropped.
#[derive(Clone, Debug, Default)]
pub struct RequestSpan(pub(crate) exchange::RequestSpan);

impl Deref for RequestSpan {
    type Target = exchange::RequestSpan;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl FromRequest for RequestSpan {
    type Error = Infallible;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(request.extensions().get().cloned().unwrap_or_default()))
    }
}

/// Extractor of the ID of the request.
///
/// ```
/// use tracing_actix_middleware::{RequestId, Tracing};
/// use actix_web::{App, web};
/// use tracing_core_ext::exchange::RequestIdPolicy;
///
/// async fn checkout(id: RequestId) -> String {
///     format!("If you call us, mention {id}.")
/// }
///
/// let tracing = Tracing::builder().request_id(RequestIdPolicy::Accept).build();
/// let app = App::new().route("/checkout", web::get().to(checkout)).wrap(tracing);
/// # drop(app);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(tracing_core_ext::http::RequestId);

impl Deref for RequestId {
    type Target = tracing_core_ext::http::RequestId;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Error of the extractor [`RequestId`], a response with status 500: the request has no ID, because
/// its [`Tracing`](crate::Tracing) is missing or was built without the option `request_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissingRequestId;

impl fmt::Display for MissingRequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the request has no ID: set the option `request_id` of its middleware `Tracing`",
        )
    }
}

impl error::Error for MissingRequestId {}

impl ResponseError for MissingRequestId {}

impl FromRequest for RequestId {
    type Error = MissingRequestId;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let extensions = request.extensions();
        let id = extensions.get::<RequestSpan>().and_then(|span| span.request_id());
        ready(id.map(Self).ok_or(MissingRequestId))
    }
}
