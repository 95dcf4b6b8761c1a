//! A manually written middleware: the lowest cost of tracing with the SDK.

use std::{
    pin::Pin,
    task::{self, Poll},
};

use axum::extract::MatchedPath;
use http::{HeaderMap, Request, Response, header};
use http_body::{Body, Frame, SizeHint};
use opentelemetry::{
    Context, KeyValue,
    trace::{SpanKind, TraceContextExt, Tracer},
};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use pin_project::pin_project;
use tower::{Layer, Service};

use crate::telemetry;

#[derive(Clone)]
pub(crate) struct ByHandLayer(SdkTracer);

#[derive(Clone)]
pub(crate) struct ByHand<S> {
    inner: S,
    tracer: SdkTracer,
}

/// A future or a body that is polled in the context of the span.
#[pin_project]
pub(crate) struct Traced<T> {
    #[pin]
    inner: T,
    context: Context,
}

impl ByHandLayer {
    pub(crate) fn new(provider: &SdkTracerProvider) -> Self {
        Self(telemetry::tracer(provider))
    }
}

impl<S> Layer<S> for ByHandLayer {
    type Service = ByHand<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ByHand { inner, tracer: self.0.clone() }
    }
}

impl<S, A, B> Service<Request<A>> for ByHand<S>
where
    S: Service<Request<A>, Response = Response<B>>,
{
    type Response = Response<Traced<B>>;
    type Error = S::Error;
    type Future = Traced<S::Future>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let span = self
            .tracer
            .span_builder("GET /items/{id}")
            .with_kind(SpanKind::Server)
            .with_attributes(attributes(&request))
            .start_with_context(&self.tracer, &Context::new());
        Traced { inner: self.inner.call(request), context: Context::new().with_span(span) }
    }
}

impl<F, B, E> Future for Traced<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<Traced<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _attached = this.context.clone().attach();
        this.inner.poll(cx).map_ok(|response| {
            let status = i64::from(response.status().as_u16());
            let context = this.context.clone();
            context.span().set_attribute(KeyValue::new("http.response.status_code", status));
            response.map(|inner| Traced { inner, context })
        })
    }
}

impl<B: Body> Body for Traced<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let this = self.project();
        let _attached = this.context.clone().attach();
        let polled = this.inner.poll_frame(cx);
        if let Poll::Ready(None) = &polled {
            this.context.span().end();
        }
        polled
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Returns nine attributes, with capacity for the status as the tenth.
fn attributes<B>(request: &Request<B>) -> Vec<KeyValue> {
    let headers = request.headers();
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let mut attributes = Vec::with_capacity(10);
    attributes.extend([
        KeyValue::new("http.request.method", "GET"),
        KeyValue::new("url.scheme", "http"),
        KeyValue::new("url.path", request.uri().path().to_owned()),
        KeyValue::new("network.protocol.version", "1.1"),
        KeyValue::new("network.protocol.name", "http"),
        KeyValue::new("server.address", text(headers, &header::HOST)),
        KeyValue::new("server.port", 8080),
        KeyValue::new("user_agent.original", text(headers, &header::USER_AGENT)),
        KeyValue::new("http.route", route.to_owned()),
    ]);
    attributes
}

fn text(headers: &HeaderMap, name: &header::HeaderName) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}
