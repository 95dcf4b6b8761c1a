//! Ids, times and waterfalls are the same in every run.

use std::time::Duration;

use tracing::info_span;

use super::{call, instrumentation, serve};
use crate::testing::{Traces, trace};

fn checkout() {
    let client = instrumentation();
    serve(&instrumentation(), 200, || {
        call(&client, 200);
        info_span!("price").in_scope(|| info_span!("round").in_scope(|| {}));
    });
}

#[test]
fn a_waterfall_is_the_same_in_every_run() {
    let waterfall = || {
        let traces = Traces::new();
        checkout();
        info_span!("afterwards").in_scope(|| {});
        traces.wait_for(2).blocking();
        traces.waterfall()
    };
    let first = waterfall();
    assert_eq!(waterfall(), first);
    let lines: Vec<_> = first.lines().collect();
    assert_eq!(lines[0], "trace 00000000000000000000000000000001  1 service  4 spans  7.00 ms");
    assert!(lines[1].starts_with("test  GET /checkout/{item}  200  0.00 ms  7.00 ms"), "{first}");
    assert!(lines[2].starts_with("test  ├ → GET               200  1.00 ms  1.00 ms"), "{first}");
    assert!(lines[3].starts_with("test  └ price                    3.00 ms  3.00 ms"), "{first}");
    assert!(lines[4].starts_with("test    └ round                  4.00 ms  1.00 ms"), "{first}");
    assert_eq!(lines[5], "trace 00000000000000000000000000000002  1 service  1 span  1.00 ms");
}

#[test]
fn ids_and_the_clock_are_deterministic_on_request() {
    let traces = Traces::builder().deterministic().start();
    let scope = traces.scope();
    serve(&instrumentation(), 200, || {
        traces.advance(Duration::from_millis(20));
        info_span!("price").in_scope(|| scope.advance(Duration::from_millis(30)));
    });
    let trace = traces.only().blocking();
    assert_eq!(trace.trace_id().to_string(), "00000000000000000000000000000001");
    let [price, server] = &trace.spans()[..] else { panic!("{trace:?}") };
    assert_eq!(server.span_context.span_id().to_string(), "0000000000000001");
    assert_eq!(price.span_context.span_id().to_string(), "0000000000000002");
    assert_eq!(price.duration(), Duration::from_millis(30));
    assert_eq!(server.duration(), Duration::from_millis(50));
    let start = server.start_time.duration_since(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(start.as_secs(), 1_767_225_600);
    traces.metric("http.server.request.duration").unit("s").count(1).sum(0.05);
    trace.is(trace! { server "GET /checkout/{item}" { .. } [ "price" ] });
}
