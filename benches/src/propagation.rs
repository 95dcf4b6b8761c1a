use std::hint::black_box;

use http::{HeaderMap, HeaderName, HeaderValue};
use tracing_core_ext::propagation::Propagator;

use crate::{Case, Driver, Middleware, request};

pub(crate) fn driver(case: Case) -> Driver {
    let propagator = Propagator::w3c();
    let inbound = headers(case.tracestate);
    match case.middleware {
        Middleware::Extract => Driver::new(move |times| extract(&propagator, &inbound, times)),
        Middleware::Inject => Driver::new(move |times| inject(&propagator, &inbound, times)),
        other => unreachable!("{other:?} is not propagation"),
    }
}

fn extract(propagator: &Propagator, inbound: &HeaderMap, times: usize) {
    for _ in 0..times {
        black_box(propagator.extract(black_box(inbound)));
    }
}

/// Into the same headers again and again, so that making room for them is not counted.
fn inject(propagator: &Propagator, inbound: &HeaderMap, times: usize) {
    let context = propagator.extract(inbound);
    let mut outbound = HeaderMap::new();
    for _ in 0..times {
        propagator.inject(black_box(&context), &mut outbound);
    }
    black_box(outbound);
}

fn headers(tracestate: bool) -> HeaderMap {
    request::headers(tracestate)
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect()
}
