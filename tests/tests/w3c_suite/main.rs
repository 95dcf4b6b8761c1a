//! The cases of the W3C Trace Context test suite, levels 1 and 2, strict: both frameworks, with each
//! client.
//!
//! A case is a request with these header lines. The service calls another one, and the case states
//! what that one receives. The names are those of the suite, in its order.

mod cases;
mod services;

use std::collections::BTreeSet;

use self::{
    cases::{Case, PARENT_ID, Parent, TRACE_ID, cases, cases_of_three_calls},
    services::{ActixAwc, ActixReqwest, AxumReqwest, AxumTower, Service},
};

macro_rules! with_every_service {
    ($($scenario:ident),+ $(,)?) => {
        with_every_service!(@ axum_reqwest, AxumReqwest, $($scenario),+);
        with_every_service!(@ axum_tower, AxumTower, $($scenario),+);
        with_every_service!(@ actix_reqwest, ActixReqwest, $($scenario),+);
        with_every_service!(@ actix_awc, ActixAwc, $($scenario),+);
    };
    (@ $module:ident, $service:ident, $($scenario:ident),+) => {
        mod $module {
            $(#[actix_web::test]
            async fn $scenario() {
                super::$scenario::<super::$service>().await;
            })+
        }
    };
}

with_every_service![every_case_has_its_outcome, several_calls_have_their_own_parents];

/// Trace ID and parent ID of a `traceparent` in version 00.
#[derive(Debug)]
struct TraceParent {
    trace_id: String,
    parent_id: String,
    flags: u8,
}

/// Returns the only `traceparent`, which is valid.
fn traceparent(name: &str, headers: &str) -> TraceParent {
    let lines: Vec<_> =
        headers.lines().filter_map(|line| line.strip_prefix("traceparent: ")).collect();
    let [value] = lines[..] else { panic!("{name}: expected one traceparent: {headers}") };
    let fields: Vec<_> = value.split('-').collect();
    let [version, trace_id, parent_id, flags] = fields[..] else { panic!("{name}: {value}") };
    for (field, length) in [(version, 2), (trace_id, 32), (parent_id, 16), (flags, 2)] {
        let is_hex = field.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'));
        assert!(is_hex && field.len() == length, "{name}: {value}");
    }
    assert_eq!(version, "00", "{name}");
    assert!(trace_id.bytes().any(|it| it != b'0'), "{name}: {value}");
    assert!(parent_id.bytes().any(|it| it != b'0'), "{name}: {value}");
    TraceParent {
        trace_id: trace_id.to_owned(),
        parent_id: parent_id.to_owned(),
        flags: u8::from_str_radix(flags, 16).expect("two digits"),
    }
}

/// Returns the members of all `tracestate` lines, which are not empty.
fn tracestate<'a>(name: &str, headers: &'a str) -> Vec<&'a str> {
    let lines = headers.lines().filter_map(|line| line.strip_prefix("tracestate:"));
    let members: Vec<_> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
    assert!(members.iter().all(|it| !it.is_empty()), "{name}: {headers}");
    members
}

async fn every_case_has_its_outcome<S: Service>() {
    let service = S::serve().await;
    for case in cases() {
        let case_of = format!("{} {:?}", case.name, case.lines);
        let received = service.call(1, &case.lines).await;
        let [headers] = &received[..] else { panic!("{case_of}: {received:?}") };
        let parent = traceparent(&case_of, headers);
        assert_trace(&case_of, &case, &parent);
        assert_eq!(tracestate(&case_of, headers), case.state, "{case_of}");
        // The flags are those of the caller, or those of a trace that starts here. The sampler
        // samples everything.
        let random = case.parent == Parent::Restarts || case_of.contains("random_flag");
        assert_eq!(parent.flags, if random { 3 } else { 1 }, "{case_of}");
    }
}

async fn several_calls_have_their_own_parents<S: Service>() {
    let service = S::serve().await;
    for case in cases_of_three_calls() {
        let (mut trace_ids, mut parent_ids) = (BTreeSet::new(), BTreeSet::new());
        for headers in service.call(3, &case.lines).await {
            let parent = traceparent(case.name, &headers);
            assert_trace(case.name, &case, &parent);
            trace_ids.insert(parent.trace_id);
            parent_ids.insert(parent.parent_id);
        }
        assert_eq!((trace_ids.len(), parent_ids.len()), (1, 3), "{}", case.name);
    }
}

fn assert_trace(case_of: &str, case: &Case, parent: &TraceParent) {
    let continues = parent.trace_id == TRACE_ID;
    assert_eq!(continues, case.parent == Parent::Continues, "{case_of}: {parent:?}");
    assert_ne!(parent.parent_id, PARENT_ID, "{case_of}");
    if !continues {
        let sent = case.lines.iter().any(|line| line.contains(&parent.trace_id));
        assert!(!sent, "{case_of}: {parent:?}");
    }
}
