//! A failure of the test kit names the globals that take telemetry from the test. A file of its own, because it installs
//! some.

use std::{panic, thread, time::Duration};

use opentelemetry::{global, trace::Tracer};
use tracing_core_ext::{telemetry::Telemetry, testing::Traces};

fn late(traces: &Traces) -> String {
    let wait = || drop(traces.only().blocking());
    let panic = panic::catch_unwind(panic::AssertUnwindSafe(wait)).expect_err("nothing arrives");
    *panic.downcast::<String>().expect("a formatted message")
}

#[test]
fn a_wait_in_vain_names_the_test_that_has_installed_telemetry() {
    let traces = Traces::builder().timeout(Duration::from_millis(20)).start();
    let message = late(&traces);
    assert!(!message.contains("note: "), "nothing is installed: {message}");

    let install = || Telemetry::builder().variables(|_| None).service_name("other").install();
    let other = thread::Builder::new().name("another_test".to_owned()).spawn(install);
    let telemetry = other.unwrap().join().unwrap().unwrap();
    global::tracer("shop").in_span("taken by the global provider", |_| {});
    let message = late(&traces);
    let note = "note: the thread \"another_test\" has installed global telemetry in this process";
    assert!(message.contains(note), "{message}");

    // What belongs to the test is not taken.
    tracing::info_span!("ours").in_scope(|| {});
    assert_eq!(traces.only().blocking().spans()[0].name, "ours");
    telemetry.shutdown().unwrap();
}
