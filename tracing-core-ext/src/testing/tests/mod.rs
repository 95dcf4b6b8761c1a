mod collector;
mod conventions;
mod failures;
mod ownership;
mod selection;
mod snapshots;
mod trees;

use std::panic::{AssertUnwindSafe, catch_unwind};

use http::{HeaderMap, Request};
use opentelemetry::Context;

use crate::{
    exchange::{Builder, Exchange, Instrumentation, Outcome},
    http::{ClientRequestHead, ResponseHead},
};

/// Returns the message with which `f` panics, without the line that names a place in the code.
fn failure(f: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(f)).expect_err("it fails");
    let message = *panic.downcast::<String>().expect("the message is formatted");
    let is_place = |line: &&str| line.starts_with("compared at ") || line.starts_with("waited at ");
    message.lines().filter(|line| !is_place(line)).map(|line| format!("{line}\n")).collect()
}

fn instrumentation() -> Instrumentation {
    Builder::new("shop", "1").build()
}

/// Handles a request in the middleware of a server.
fn serve(instrumentation: &Instrumentation, status: u16, handler: impl FnOnce()) {
    let request = Request::get("/checkout/7").body(()).unwrap();
    let mut exchange = instrumentation.start_server(&request);
    exchange.set_route("GET", "/checkout/{item}");
    exchange.in_scope(handler);
    respond(exchange, status);
}

/// Calls another service with an instrumented client.
fn call(instrumentation: &Instrumentation, status: u16) {
    let headers = HeaderMap::new();
    let head = ClientRequestHead::new("GET", "http://stock.example/7", &headers);
    respond(instrumentation.start_client(&Context::current(), &head), status);
}

fn respond(mut exchange: Exchange, status: u16) {
    let headers = HeaderMap::new();
    exchange.on_response(&ResponseHead::new(status, None, &headers));
    exchange.end(Outcome::Complete);
}
