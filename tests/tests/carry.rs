//! The trace of a request in tasks, threads and messages that its handler starts.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use opentelemetry::trace::SpanKind;
use serde_json::Value;
use tests::{
    Actix, Axum, EndedSpanExt, Framework, HandlerControl, Lines, Options, Provider, Server, Setup,
    SpanSink, on_both_frameworks,
};
use tracing::{Span, info, info_span};
use tracing_core_ext::testing::EndedSpan;
use tracing_core_ext::{
    carry::{self, Carrier, Messaging},
    exchange::RequestIdPolicy,
    telemetry::{LogFormat, Telemetry},
};

on_both_frameworks![
    a_task_continues_the_trace,
    blocking_code_continues_the_trace,
    a_thread_continues_the_trace,
    closures_on_several_threads_continue_the_trace,
    code_that_outlives_the_request_continues_the_trace,
    a_message_continues_the_trace_in_another_process,
    outside_of_a_request_there_is_no_trace,
];

struct Rig {
    server: Server,
    control: HandlerControl,
    sink: SpanSink,
    lines: Lines,
    _telemetry: Telemetry,
}

impl Rig {
    async fn serve<F: Framework>(work: fn(&Setup)) -> Self {
        let (sink, lines) = (SpanSink::new(), Lines::default());
        let (telemetry, subscriber) = tests::telemetry(&sink)
            .variables(|name| (name == "OTEL_BSP_SCHEDULE_DELAY").then(|| "1".to_owned()))
            .log_format(LogFormat::Json)
            .log_writer(lines.clone())
            .build()
            .unwrap();
        let provider = Provider::from(telemetry.tracer_provider().clone());
        let options: Option<Options> = Some(|builder| builder.request_id(RequestIdPolicy::Accept));
        let setup = Setup { subscriber, options, work, ..Setup::with_provider(provider) };
        let control = setup.control.clone();
        let server = F::serve(setup).await;
        Self { server, control, sink, lines, _telemetry: telemetry }
    }

    async fn visit(&self, path: &str) {
        let request = reqwest::Client::new().get(self.server.url(path));
        request.header("x-request-id", "order-7").send().await.unwrap().bytes().await.unwrap();
    }

    /// Waits for work. Work that panics is never done.
    async fn entered(&self) {
        let entered = tokio::time::timeout(Duration::from_secs(10), self.control.entered());
        entered.await.expect("the work is done");
    }

    /// Checks that `count` spans are children of the request, and that their lines have their ids.
    async fn check(&self, count: usize) {
        for _ in 0..count {
            self.entered().await;
        }
        let spans = self.sink.wait_for(count + 1).await;
        let is_request = |span: &&EndedSpan| span.span_kind == SpanKind::Server;
        let request = spans.iter().find(is_request).unwrap();
        let children: Vec<_> = spans.iter().filter(|span| !is_request(span)).collect();
        assert_eq!(children.len(), count);
        let lines = self.lines.all();
        for child in children {
            assert_eq!(child.name, "work");
            assert_eq!(child.parent_span_id, request.span_context.span_id());
            assert_eq!(child.span_context.trace_id(), request.span_context.trace_id());
            assert_eq!(child.text("same"), Some("true"), "Span::current() is the request");
            assert_eq!(child.text("request"), Some("order-7"));
            let id = child.span_context.span_id().to_string();
            let line = lines.iter().find(|line| line.contains(&id)).unwrap();
            let line: Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["fields"]["message"], "worked");
            assert_eq!(line["request_id"], "order-7");
        }
    }
}

/// Returns work in a span of its own, for another thread.
fn work(setup: &Setup) -> impl Fn() + Send + Sync + Clone + 'static + use<> {
    let (control, request) = (setup.control.clone(), Span::current().id());
    assert!(request.is_some());
    move || {
        let (same, id) = (Span::current().id() == request, carry::current_request_id());
        let trace = carry::current_trace_id();
        let span = info_span!("work", same = %same, request = id.as_ref().map(|id| id.as_str()));
        span.in_scope(|| {
            info!("worked");
            assert_eq!(carry::current_trace_id(), trace);
        });
        drop(span);
        control.enter();
    }
}

async fn a_task_continues_the_trace<F: Framework>() {
    let rig = Rig::serve::<F>(|setup| {
        let work = work(setup);
        carry::spawn(async move {
            tokio::task::yield_now().await;
            work();
        });
        let work = self::work(setup);
        tokio::spawn(carry::future(async move { work() }));
    })
    .await;
    rig.visit("/work").await;
    rig.check(2).await;
}

async fn blocking_code_continues_the_trace<F: Framework>() {
    let rig = Rig::serve::<F>(|setup| drop(carry::spawn_blocking(work(setup)))).await;
    rig.visit("/work").await;
    rig.check(1).await;
}

async fn a_thread_continues_the_trace<F: Framework>() {
    let rig = Rig::serve::<F>(|setup| {
        carry::spawn_thread(work(setup)).join().unwrap();
        std::thread::spawn(carry::in_current(work(setup))).join().unwrap();
    })
    .await;
    rig.visit("/work").await;
    rig.check(2).await;
}

async fn closures_on_several_threads_continue_the_trace<F: Framework>() {
    let rig = Rig::serve::<F>(|setup| {
        let (work, current) = (work(setup), carry::current());
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| current.scope(&work));
            }
        });
    })
    .await;
    rig.visit("/work").await;
    rig.check(3).await;
}

async fn code_that_outlives_the_request_continues_the_trace<F: Framework>() {
    let rig = Rig::serve::<F>(|setup| {
        let (work, control) = (work(setup), setup.control.clone());
        carry::spawn(async move {
            control.released().await;
            work();
        });
    })
    .await;
    rig.visit("/work").await;
    // The span of the request has ended.
    rig.sink.only().await;
    rig.control.release();
    rig.check(1).await;
}

/// Message in the queue of the test.
static QUEUE: Mutex<Vec<String>> = Mutex::new(Vec::new());

async fn a_message_continues_the_trace_in_another_process<F: Framework>() {
    let rig = Rig::serve::<F>(|setup| {
        let Provider::Own(provider) = &setup.provider else { panic!("a provider of telemetry") };
        let queue = Messaging::with_provider("rabbitmq", provider);
        let sending = queue.send("orders").start();
        sending.scope(|| info!("sent"));
        let message = serde_json::to_string(&sending.carrier()).unwrap();
        QUEUE.lock().unwrap_or_else(PoisonError::into_inner).push(message);
    })
    .await;
    rig.visit("/work").await;
    let spans = rig.sink.wait_for(2).await;
    let sent = spans.iter().find(|span| span.name == "send orders").unwrap();
    let request = spans.iter().find(|span| span.span_kind == SpanKind::Server).unwrap();
    assert_eq!(sent.parent_span_id, request.span_context.span_id());
    let ids = format!("\"span_id\":\"{}\"", sent.span_context.span_id());
    let lines = rig.lines.all();
    assert!(lines.iter().any(|it| it.contains("\"sent\"") && it.contains(&ids)), "{lines:#?}");

    let mut messages = QUEUE.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let of_request = sent.span_context.trace_id().to_string();
    messages.retain(|message| message.contains(&of_request));
    let carrier: Carrier = serde_json::from_str(&messages[0]).unwrap();
    let elsewhere = SpanSink::new();
    let queue = Messaging::with_provider("rabbitmq", &elsewhere.provider());
    queue.process("orders").parent(&carrier).start().run(async {}).await;
    queue.process("orders").link(&carrier).start().run(async {}).await;
    let spans = elsewhere.wait_for(2).await;
    let [child, linked] = &*spans else { panic!("{spans:#?}") };
    assert_eq!(child.span_context.trace_id(), sent.span_context.trace_id());
    assert_eq!(child.parent_span_id, sent.span_context.span_id());
    assert_ne!(linked.span_context.trace_id(), sent.span_context.trace_id());
    assert_eq!(linked.links[0].span_context.span_id(), sent.span_context.span_id());
}

async fn outside_of_a_request_there_is_no_trace<F: Framework>() {
    let rig = Rig::serve::<F>(|setup| {
        let control = setup.control.clone();
        tokio::spawn(async move {
            assert_eq!((carry::current_trace_id(), carry::current_span_id()), (None, None));
            assert!(Carrier::capture().is_empty());
            control.enter();
        });
    })
    .await;
    rig.visit("/work").await;
    rig.entered().await;
}

/// `web::block` exists on actix-web only.
#[tokio::test]
async fn blocking_code_of_actix_continues_the_trace() {
    let rig = Rig::serve::<Actix>(|setup| {
        let work = work(setup);
        actix_web::rt::spawn(carry::future(async move {
            tracing_actix_middleware::block(work).await.unwrap();
        }));
    })
    .await;
    rig.visit("/work").await;
    rig.check(1).await;
}

/// Without the wrappers the trace is lost, so the tests above test them.
#[tokio::test]
async fn a_bare_thread_has_no_trace() {
    let rig = Rig::serve::<Axum>(|_| {
        let id = std::thread::spawn(carry::current_trace_id).join().unwrap();
        assert_eq!(id, None);
        assert!(carry::current_trace_id().is_some());
    })
    .await;
    rig.visit("/work").await;
}
