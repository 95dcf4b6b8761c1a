use std::{convert::Infallible, ops::Deref};

use axum::extract::FromRequestParts;
use http::request::Parts;
use tracing_core_ext::exchange;

use crate::route;

/// Extractor of the request's span.
///
/// ```
/// use axum_layer::RequestSpan;
///
/// async fn checkout(span: RequestSpan) -> String {
///     span.set_attribute("cart.items", 3);
///     span.trace_id().to_string()
/// }
/// # let _: axum::Router = axum::Router::new().route("/", axum::routing::get(checkout));
/// ```
///
/// Extraction never fails. Without the layer there is no span, and values recorded on it are
/// dropped.
#[derive(Clone, Debug, Default)]
pub struct RequestSpan(pub(crate) exchange::RequestSpan);

impl Deref for RequestSpan {
    type Target = exchange::RequestSpan;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<S: Sync> FromRequestParts<S> for RequestSpan {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let span: Self = parts.extensions.get().cloned().unwrap_or_default();
        route::record_route(&span, &parts.method, &parts.extensions);
        Ok(span)
    }
}
