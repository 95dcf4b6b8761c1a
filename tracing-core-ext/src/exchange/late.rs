use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use opentelemetry::{Context, KeyValue, StringValue, trace::TraceContextExt};

use super::options::Options;
use crate::http::{Method, Naming, RouteName, semconv};

/// What is still learned of a recorded exchange behind its start. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Late(Arc<State>);

#[derive(Debug)]
struct State {
    has_route: AtomicBool,
    takes_name: bool,
    request_size: AtomicU64,
    response_size: AtomicU64,
}

impl Late {
    /// `None` where nothing more is to be learned.
    #[inline]
    pub(super) fn of(naming: Naming, options: &Options) -> Option<Self> {
        if naming == Naming::Route && !options.has_body_sizes {
            return None;
        }
        Some(Self(Arc::new(State {
            has_route: AtomicBool::new(naming == Naming::Route),
            takes_name: naming == Naming::Method,
            request_size: AtomicU64::new(0),
            response_size: AtomicU64::new(0),
        })))
    }

    pub(super) fn has_route(&self) -> bool {
        self.0.has_route.load(Ordering::Relaxed)
    }

    /// Puts `route` on the span in `context`, if it is the first.
    pub(super) fn set_route(&self, context: &Context, method: &str, route: &str) {
        if self.0.has_route.swap(true, Ordering::Relaxed) {
            return;
        }
        let named = RouteName::of(Method::of(method).as_span_name(), route);
        let span = context.span();
        span.set_attribute(KeyValue::new(semconv::HTTP_ROUTE, StringValue::from(named.route)));
        if self.0.takes_name {
            span.update_name(named.name);
        }
    }

    pub(super) fn add_to_request(&self, bytes: u64) {
        self.0.request_size.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn add_to_response(&self, bytes: u64) {
        self.0.response_size.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes of both bodies, as far as they have passed.
    pub(super) fn sizes(&self) -> (u64, u64) {
        let State { request_size, response_size, .. } = &*self.0;
        (request_size.load(Ordering::Relaxed), response_size.load(Ordering::Relaxed))
    }
}
