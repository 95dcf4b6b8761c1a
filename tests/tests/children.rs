//! Spans of the user in the handler and in the body are children of the server span, with any
//! `tracing` subscriber, and there is one server span.

use opentelemetry::{
    Context, KeyValue,
    trace::{Span as _, SpanKind, Status, TraceContextExt, Tracer, TracerProvider as _},
};
use tests::{
    EndedSpanExt, Framework, HandlerControl, Provider, ScriptStep, Server, Setup, SpanSink,
    on_both_frameworks,
};
use tracing::{Dispatch, Instrument, Metadata, Span, Subscriber, info_span};
use tracing_core_ext::testing::EndedSpan;
use tracing_core_ext::{
    exchange::{Builder, Instrumentation},
    trace::TracerProvider,
};
use tracing_subscriber::{
    Registry, filter::LevelFilter, layer::SubscriberExt, registry::LookupSpan,
};

on_both_frameworks![
    spans_of_the_handler_are_children_of_the_one_server_span,
    spans_of_the_body_are_children_of_the_one_server_span,
    a_background_task_does_not_stretch_the_server_span,
    a_task_in_the_current_span_stays_in_the_trace,
    the_request_is_the_current_tracing_span,
    a_captured_server_span_has_every_attribute_once,
    there_is_one_server_span_when_all_is_over,
    a_layer_without_an_sdk_captures_nothing,
    an_event_of_the_handler_is_no_event_of_the_server_span,
];

/// Subscribers that a service may have: ours, a plain one that would export our `tracing` span as
/// well, and one that hides it by its level.
fn subscribers(provider: &Provider) -> [Dispatch; 3] {
    let tracer = provider.tracer("users");
    let native = Registry::default().with(tracing_core_ext::exchange::layer(tracer));
    let quiet = plain(provider).with(LevelFilter::WARN);
    [native.into(), plain(provider).into(), quiet.into()]
}

fn plain(
    provider: &Provider,
) -> impl Subscriber + for<'span> LookupSpan<'span> + Send + Sync + use<> {
    Registry::default().with(tracing_opentelemetry::layer().with_tracer(provider.tracer("users")))
}

async fn serve<F: Framework>(
    sink: &SpanSink,
    subscriber: usize,
    work: fn(&Setup),
) -> (Server, HandlerControl) {
    let mut setup = Setup::new(sink);
    setup.subscriber = subscribers(&setup.provider)[subscriber].clone();
    setup.work = work;
    let control = setup.control.clone();
    (F::serve(setup).await, control)
}

async fn spans_of_the_handler_are_children_of_the_one_server_span<F: Framework>() {
    for subscriber in 0..3 {
        let sink = SpanSink::new();
        let (server, _) = serve::<F>(&sink, subscriber, |setup| {
            native(&setup.provider);
            tracing::warn_span!("user").in_scope(|| native(&setup.provider));
        })
        .await;

        reqwest::get(server.url("/work")).await.unwrap();

        let spans = sink.wait_for(4).await;
        let [outer, inner, user, request] = &spans[..] else { unreachable!() };
        assert!(outer.is_child_of(request), "{spans:#?}");
        assert!(user.is_child_of(request), "{spans:#?}");
        assert!(inner.is_child_of(user), "{spans:#?}");
        assert_server_span(request);
    }
}

async fn spans_of_the_body_are_children_of_the_one_server_span<F: Framework>() {
    for subscriber in 0..3 {
        let sink = SpanSink::new();
        let (server, control) = serve::<F>(&sink, subscriber, |_| {}).await;
        let script = control.script();
        let provider = sink.provider().into();
        script.send(ScriptStep::Run(Box::new(move || native(&provider)))).unwrap();
        script.send(ScriptStep::Run(Box::new(|| drop(tracing::warn_span!("user"))))).unwrap();
        drop(script);

        reqwest::get(server.url("/stream")).await.unwrap().bytes().await.unwrap();

        let spans = sink.wait_for(3).await;
        let [native, user, request] = &spans[..] else { unreachable!() };
        assert!(native.is_child_of(request), "{spans:#?}");
        assert!(user.is_child_of(request), "{spans:#?}");
        assert_server_span(request);
    }
}

async fn a_background_task_does_not_stretch_the_server_span<F: Framework>() {
    for subscriber in 0..3 {
        let sink = SpanSink::new();
        let (server, control) = serve::<F>(&sink, subscriber, |setup| {
            let control = setup.control.clone();
            tokio::spawn(
                async move { control.released().await }
                    .instrument(tracing::warn_span!("background")),
            );
        })
        .await;

        reqwest::get(server.url("/work")).await.unwrap();
        let request = sink.only().await;
        control.release();

        let background = sink.wait_for(2).await.remove(1);
        assert!(background.is_child_of(&request), "{background:#?}");
        assert!(background.end_time > request.end_time);
        assert_server_span(&request);
    }
}

async fn a_task_in_the_current_span_stays_in_the_trace<F: Framework>() {
    for subscriber in 0..2 {
        let sink = SpanSink::new();
        let (server, control) = serve::<F>(&sink, subscriber, |setup| {
            let control = setup.control.clone();
            let task = async move {
                control.released().await;
                drop(info_span!("later"));
            };
            tokio::spawn(task.in_current_span());
        })
        .await;

        reqwest::get(server.url("/work")).await.unwrap();
        let request = sink.only().await;
        control.release();

        let later = sink.wait_for(2).await.remove(1);
        assert!(later.is_child_of(&request), "{later:#?}");
    }
}

async fn the_request_is_the_current_tracing_span<F: Framework>() {
    let sink = SpanSink::new();
    let (server, _) = serve::<F>(&sink, 0, |_| {
        let name = Span::current().metadata().map(Metadata::name).unwrap_or("none");
        Context::map_current(|cx| cx.span().set_attribute(KeyValue::new("test.current", name)));
    })
    .await;

    reqwest::get(server.url("/work")).await.unwrap();

    assert_eq!(sink.only().await.text("test.current"), Some("request"));
}

async fn a_captured_server_span_has_every_attribute_once<F: Framework>() {
    let mut of_each = Vec::new();
    for subscriber in 0..2 {
        let sink = SpanSink::new();
        let (server, _) = serve::<F>(&sink, subscriber, |_| {}).await;
        reqwest::get(server.url("/work?a=b")).await.unwrap();
        of_each.push(keys(&sink.only().await));
    }
    let [native, captured] = &of_each[..] else { unreachable!() };
    assert_eq!(native, captured);
}

async fn there_is_one_server_span_when_all_is_over<F: Framework>() {
    for subscriber in 0..3 {
        let sink = SpanSink::new();
        let (server, _) = serve::<F>(&sink, subscriber, |_| {}).await;

        reqwest::get(server.url("/work")).await.unwrap();
        server.stop().await;

        assert_server_span(&sink.only().await);
    }
}

async fn an_event_of_the_handler_is_no_event_of_the_server_span<F: Framework>() {
    let sink = SpanSink::new();
    let (server, _) = serve::<F>(&sink, 0, |_| {
        tracing::error!("outside of a span of the user");
        tracing::warn_span!("user").in_scope(|| tracing::info!("inside"));
    })
    .await;

    reqwest::get(server.url("/work")).await.unwrap();

    let spans = sink.wait_for(2).await;
    let [user, request] = &spans[..] else { unreachable!() };
    assert_eq!(user.events.events.len(), 1, "{user:#?}");
    assert!(request.events.events.is_empty(), "{request:#?}");
    assert_eq!(request.status, Status::Unset);
}

async fn a_layer_without_an_sdk_captures_nothing<F: Framework>() {
    let sink = SpanSink::new();
    let mut setup = Setup::new(&sink);
    setup.subscriber = Registry::default().with(tracing_opentelemetry::layer()).into();
    setup.work = |setup| native(&setup.provider);
    let server = F::serve(setup).await;

    let request = reqwest::Client::new().get(server.url("/work"));
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    request.header("traceparent", parent).send().await.unwrap();

    let spans = sink.wait_for(2).await;
    assert!(spans[0].is_child_of(&spans[1]), "{spans:#?}");
    assert_eq!(spans[1].parent_span_id.to_string(), "b7ad6b7169203331");
    assert_server_span(&spans[1]);
}

#[test]
fn a_handler_that_entered_the_current_span_stays_in_its_context_when_the_exchange_exits() {
    let provider = TracerProvider::builder().build();
    let [native, ..] = subscribers(&provider.clone().into());
    let _default = tracing::dispatcher::set_default(&native);
    let builder = Builder::<Instrumentation>::new("test", "1").tracer_provider(&provider);
    let mut exchange = builder.build().start_server(&http::Request::new(()));
    let span_id = exchange.request_span().unwrap().span_id();
    let is_current = || Context::current().span().span_context().span_id() == span_id;

    let current = exchange.in_scope(Span::current);
    current.in_scope(|| {
        assert!(is_current());
        exchange.in_scope(|| assert!(is_current()));
        assert!(is_current());
    });
    assert!(!is_current());
}

fn native(provider: &Provider) {
    provider.tracer("native").start("native").end();
}

/// Keys of the attributes, without those that a plain layer adds to every span.
fn keys(span: &EndedSpan) -> Vec<String> {
    let keys = span.attributes.iter().map(|attribute| attribute.key.to_string());
    let added =
        |key: &str| key == "target" || key.starts_with("code.") || key.starts_with("thread.");
    let mut keys: Vec<_> = keys.filter(|key| !added(key)).collect();
    keys.sort();
    keys
}

fn assert_server_span(span: &EndedSpan) {
    assert_eq!(span.span_kind, SpanKind::Server);
    assert!(span.name.starts_with("GET /"), "{}", span.name);
    assert_eq!(span.integer("http.response.status_code"), Some(200));
    assert_eq!(span.text("http.request.method"), Some("GET"));
}
