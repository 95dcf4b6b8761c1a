use std::{
    convert::Infallible,
    future::{Ready, ready},
    ops::Deref,
};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload};
use tracing_core_ext::exchange;

/// Extractor of the request's span.
///
/// ```
/// use actix_middleware::RequestSpan;
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
