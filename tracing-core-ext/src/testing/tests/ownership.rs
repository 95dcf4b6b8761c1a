//! Middlewares, clients, spans and events of a test belong to it.

use std::{thread, time::Duration};

use tracing::{Instrument, info_span};

use super::{call, failure, instrumentation, serve};
use crate::testing::{Traces, trace};

#[test]
fn two_tests_at_the_same_time_do_not_see_each_other() {
    let tests = ["first", "second", "third", "fourth"].map(|name| {
        thread::spawn(move || {
            for _ in 0..50 {
                let traces = Traces::new();
                serve(&instrumentation(), 200, || {
                    info_span!("work", otel.name = name)
                        .in_scope(|| tracing::info!("line of {name}"));
                });
                let trace = traces.only().blocking();
                assert_eq!(trace.span(name).name, name);
                assert_eq!(trace.spans().len(), 2);
                traces.logs().count(1).has(tracing::Level::INFO, name);
                traces.metric("http.server.request.duration").count(1);
            }
        })
    });
    tests.into_iter().for_each(|test| test.join().unwrap());
}

#[test]
fn a_middleware_of_the_test_makes_its_handlers_belong_to_it_on_any_thread() {
    let traces = Traces::new();
    let instrumentation = instrumentation();
    let handle = move || {
        serve(&instrumentation, 200, || {
            // Built in the handler, as a service may do.
            call(&super::instrumentation(), 200);
            info_span!("price").in_scope(|| tracing::warn!("low stock"));
        });
    };
    thread::spawn(handle).join().unwrap();
    traces.only().blocking().is(trace! {
        server "GET /checkout/{item}" { .. } [ client "GET" { .. }, "price" ]
    });
    traces.logs().within("GET /checkout/{item}").has(tracing::Level::WARN, "low stock");
    traces.metric("http.client.request.duration").with("http.response.status_code", 200).count(1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_in_a_span_of_the_test_belongs_to_it() {
    let traces = Traces::new();
    let root = info_span!("root");
    let task = async {
        tokio::task::yield_now().await;
        info_span!("in the task").in_scope(|| tracing::info!("done"));
    };
    tokio::spawn(task.instrument(root.clone())).await.unwrap();
    drop(root);
    traces.only().await.is(trace! { "root" [ "in the task" ] });
    traces.logs().within("root").has(tracing::Level::INFO, "done");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_is_woken_by_the_end_of_a_span_on_another_thread() {
    let traces = Traces::new();
    let (release, released) = tokio::sync::oneshot::channel();
    let work = async move {
        let _span = info_span!("job").entered();
        released.blocking_recv().unwrap();
    };
    let scope = traces.scope();
    let job = thread::spawn(move || futures_executor(scope.future(work)));
    let wait = traces.only();
    release.send(()).unwrap();
    wait.await.is(trace! { "job" });
    job.join().unwrap();
}

/// Runs a future that is never pending.
fn futures_executor<F: Future>(future: F) {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(std::pin::pin!(future).poll(&mut context).is_ready());
}

#[test]
fn a_thread_belongs_to_the_test_until_its_end() {
    drop(Traces::new());
    info_span!("nobody's").in_scope(|| {});
    let outer = Traces::builder().service_name("outer").start();
    {
        let inner = Traces::builder().service_name("inner").start();
        info_span!("in the inner test").in_scope(|| {});
        outer.scope().run(|| info_span!("in the outer test").in_scope(|| {}));
        inner.only().blocking().is(trace! { "in the inner test" });
    }
    outer.only().blocking().is(trace! { "in the outer test" });
}

#[test]
fn a_subscriber_of_the_test_is_kept_by_what_is_built_with_it() {
    use tracing_subscriber::layer::SubscriberExt;

    let traces = Traces::new();
    let subscriber = tracing_subscriber::registry().with(traces.layer());
    let instrumentation = tracing::subscriber::with_default(subscriber, instrumentation);
    let handle = move || {
        serve(&instrumentation, 200, || info_span!("price").in_scope(|| tracing::info!("ok")))
    };
    thread::spawn(handle).join().unwrap();
    traces.only().blocking().is(trace! { server "GET /checkout/{item}" { .. } [ "price" ] });
    traces.logs().within("price").has(tracing::Level::INFO, "ok");
}

#[test]
fn spans_of_another_provider_arrive_through_the_exporter() {
    use opentelemetry::trace::{Tracer, TracerProvider};
    use opentelemetry_sdk::trace::SdkTracerProvider;

    let traces = Traces::new();
    let provider =
        SdkTracerProvider::builder().with_simple_exporter(traces.receiver().clone()).build();
    provider.tracer("shop").in_span("of the SDK", |_| {});
    traces.only().blocking().is(trace! { "of the SDK" });
}

#[test]
fn a_wait_that_is_late_shows_what_arrived() {
    let traces = Traces::builder().timeout(Duration::from_millis(20)).deterministic().start();
    let open = info_span!("open");
    open.in_scope(|| info_span!("ended").in_scope(|| {}));
    let message = failure(|| drop(traces.only().blocking()));
    let found = "waited 20ms for 1 trace, found 1 trace of 1 span, and 1 span that has not ended\n";
    assert!(message.starts_with(found), "{message}");
    assert!(message.contains("\n  test  … ended  "), "{message}");
    assert!(message.contains("note: the parent of \"ended\" has not arrived\n"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn a_paused_clock_does_not_end_a_wait() {
    let traces = Traces::new();
    let scope = traces.scope();
    let (start, started) = std::sync::mpsc::channel();
    let job = thread::spawn(move || {
        started.recv().unwrap();
        scope.run(|| info_span!("job").in_scope(|| {}));
    });
    start.send(()).unwrap();
    traces.only().await.is(trace! { "job" });
    job.join().unwrap();
}

#[tokio::test]
async fn more_traces_than_expected_fail_at_once() {
    let traces = Traces::builder().timeout(Duration::from_secs(600)).start();
    info_span!("one").in_scope(|| {});
    info_span!("two").in_scope(|| {});
    let message = failure(|| drop(traces.only().blocking()));
    assert!(message.starts_with("expected 1 trace, found 2 traces of 2 spans\n"), "{message}");
    assert_eq!(traces.wait_for(2).await.len(), 2);
}

#[test]
fn a_trace_is_complete_when_none_of_its_spans_is_open() {
    use opentelemetry::{
        Context,
        trace::{Span, TraceContextExt, Tracer, TracerProvider},
    };

    let traces = Traces::builder().timeout(Duration::from_millis(20)).start();
    let tracer = traces.tracer_provider().tracer("shop");
    let root = Context::new().with_span(tracer.start_with_context("root", &Context::new()));
    let mut background = tracer.start_with_context("background", &root);
    root.span().end();
    let message = failure(|| drop(traces.only().blocking()));
    assert!(message.contains("1 trace of 1 span, and 1 span that has not ended"), "{message}");
    background.end();
    traces.only().blocking().is(trace! { "root" [ "background" ] });
}
