use std::{convert::Infallible, fmt, ops::Deref};

use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{StatusCode, request::Parts};
use tracing_core_ext::exchange;

use crate::route;

/// Extractor of the request's span.
///
/// ```
/// use tracing_axum_layer::RequestSpan;
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

/// Extractor of the ID of the request.
///
/// ```
/// use axum::{Router, routing::get};
/// use tracing_axum_layer::{RequestId, TracingLayer};
/// use tracing_core_ext::exchange::RequestIdPolicy;
///
/// async fn checkout(id: RequestId) -> String {
///     format!("If you call us, mention {id}.")
/// }
///
/// let layer = TracingLayer::builder().request_id(RequestIdPolicy::Accept).build();
/// let app: Router = Router::new().route("/checkout", get(checkout)).layer(layer);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId(pub(crate) tracing_core_ext::http::RequestId);

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

/// Rejection of [`RequestId`]: the request has no ID, because its
/// [`TracingLayer`](crate::TracingLayer) is missing or was built without the option `request_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissingRequestId;

impl fmt::Display for MissingRequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the request has no ID: set the option `request_id` of its TracingLayer")
    }
}

impl std::error::Error for MissingRequestId {}

/// A response with status 500.
impl IntoResponse for MissingRequestId {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.to_string()).into_response()
    }
}

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = MissingRequestId;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let span: Option<&RequestSpan> = parts.extensions.get();
        span.and_then(|span| span.request_id()).map(Self).ok_or(MissingRequestId)
    }
}
