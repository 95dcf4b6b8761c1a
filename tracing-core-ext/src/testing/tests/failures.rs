//! The messages of failures are those of the documentation.

use std::time::Duration;

use tracing::info_span;

use super::failure;
use crate::testing::{Traces, any, trace};

/// Returns the message that the documentation shows below a heading.
fn documented(heading: &str) -> String {
    let documentation = include_str!("../testing.md");
    let (_, section) = documentation.split_once(&format!("\n## {heading}\n")).expect("a heading");
    let (_, text) = section.split_once("\n```text\n").expect("a message");
    text.split_once("```").expect("the end of a message").0.to_owned()
}

fn traces() -> Traces {
    let timeout = Duration::from_millis(50);
    Traces::builder().service_name("shop").timeout(timeout).deterministic().start()
}

/// The requests of the examples in the documentation.
fn checkout(traces: &Traces) {
    let step = || traces.advance(Duration::from_millis(10));
    let request = info_span!(
        "request",
        otel.kind = "server",
        otel.name = "GET /checkout/{item}",
        http.response.status_code = 200,
        shop.item = 7,
    );
    request.in_scope(|| {
        step();
        info_span!("call", otel.kind = "client", otel.name = "GET", server.address = "stock")
            .in_scope(step);
        info_span!("price").in_scope(step);
    });
}

#[test]
fn an_attribute_that_differs() {
    let traces = traces();
    checkout(&traces);
    let message = failure(|| {
        traces.only().blocking().is(trace! {
            server "GET /checkout/{item}" { http.response.status_code: 200, shop.item: "7" } [
                client "GET" { server.address: "inventory" },
                "price",
            ]
        });
    });
    assert_eq!(message, documented("An attribute differs"));
}

#[test]
fn a_span_that_is_missing_and_one_that_is_not_expected() {
    let traces = traces();
    checkout(&traces);
    let message = failure(|| {
        traces.only().blocking().is(trace! {
            server "GET /checkout/{item}" { .. } [
                client "GET" { server.address: any() } * 2,
            ]
        });
    });
    assert_eq!(message, documented("A span is missing, another is not expected"));
}

#[test]
fn a_wait_that_is_late() {
    let traces = traces();
    let job = info_span!("job");
    job.in_scope(|| checkout(&traces));
    let message = failure(|| drop(traces.only().blocking()));
    assert_eq!(message, documented("A span does not end"));
    drop(job);
}
