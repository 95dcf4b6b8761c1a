use std::task::{Context, Poll};

use axum::extract::MatchedPath;
use http::Request;
use tower_layer::Layer;
use tower_service::Service;

use crate::RequestSpan;

/// Layer that records the matched route for a [`TracingLayer`](crate::TracingLayer) around the
/// router.
///
/// The matched route is available only inside the router. Without this layer the span of an outer
/// layer has no route, unless the handler takes a [`RequestSpan`], which records the route as well.
///
/// ```
/// use axum::{Router, routing::get};
/// use tracing_axum_layer::{RouteLayer, TracingLayer};
/// use tower_layer::Layer as _;
///
/// let router: Router =
///     Router::new().route("/items/{id}", get(|| async { "an item" })).layer(RouteLayer::new());
/// let service = TracingLayer::new().layer(router);
/// # drop(service);
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct RouteLayer {}

impl RouteLayer {
    /// Creates the layer.
    pub const fn new() -> Self {
        Self {}
    }
}

impl<S> Layer<S> for RouteLayer {
    type Service = RouteService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RouteService { inner }
    }
}

/// Service created by [`RouteLayer`].
#[derive(Clone, Copy, Debug)]
pub struct RouteService<S> {
    inner: S,
}

impl<S, B> Service<Request<B>> for RouteService<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        record_route_of(&request);
        self.inner.call(request)
    }
}

/// Records the matched route on the span of `request`, if there are both.
pub(crate) fn record_route_of<B>(request: &Request<B>) {
    if let Some(span) = request.extensions().get() {
        record_route(span, request.method(), request.extensions());
    }
}

/// Records the matched route on `span`, if there is one.
pub(crate) fn record_route(
    span: &RequestSpan,
    method: &http::Method,
    extensions: &http::Extensions,
) {
    if let Some(matched) = extensions.get::<MatchedPath>() {
        span.set_route(method.as_str(), matched.as_str());
    }
}
