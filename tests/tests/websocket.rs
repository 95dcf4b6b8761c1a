//! WebSockets: the handshake is a request like any other, and the connection has a span if the
//! handler creates one.

use std::sync::LazyLock;

use opentelemetry::{
    Context, KeyValue,
    trace::{SpanContext, SpanKind, Status, TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_sdk::trace::Sampler;
use tests::{
    EndedSpanExt, Framework, Provider, Setup, SpanSink, WebSocket, assert_no_error,
    on_both_frameworks_either_way, recorded,
};
use tracing::{Dispatch, Metadata, Span, subscriber::NoSubscriber};
use tracing_core_ext::testing::EndedSpan;
use tracing_subscriber::{Registry, layer::SubscriberExt};

on_both_frameworks_either_way![
    the_span_of_the_handshake_ends_while_the_connection_is_open,
    a_connection_has_a_span_only_on_request,
    a_connection_is_a_trace_that_links_to_its_handshake,
    a_connection_ends_its_span_when_the_client_closes_it,
    a_connection_ends_its_span_when_the_client_vanishes,
    spans_within_a_connection_are_children_of_its_span,
    a_connection_is_the_current_tracing_span,
    a_panic_in_a_connection_is_marked,
    a_handshake_that_is_not_sampled_does_not_decide_for_the_connection,
    a_connection_that_is_not_sampled_works,
    a_connection_works_without_an_sdk,
];

const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const NOT_SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

async fn the_span_of_the_handshake_ends_while_the_connection_is_open<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    let mut socket = WebSocket::open(&server, "/ws").await;

    let handshake = sink.only().await;
    assert_eq!(handshake.name, "GET /ws");
    assert_eq!(handshake.span_kind, SpanKind::Server);
    assert_eq!(handshake.integer("http.response.status_code"), Some(101));
    assert_no_error(&handshake);
    assert_eq!(socket.ask("still there?").await.as_deref(), Some("still there?"));
}

async fn a_connection_has_a_span_only_on_request<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    let mut socket = WebSocket::open(&server, "/ws").await;
    socket.ask("hello").await.unwrap();
    socket.close().await.unwrap();
    server.stop().await;

    assert_eq!(sink.only().await.span_kind, SpanKind::Server);
}

async fn a_connection_is_a_trace_that_links_to_its_handshake<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    WebSocket::open(&server, "/ws/traced").await.close().await.unwrap();

    let (handshake, connection) = both(&sink).await;
    assert_eq!(handshake.integer("http.response.status_code"), Some(101));
    assert_eq!(connection.name, "WebSocket /ws/traced");
    assert_eq!(connection.span_kind, SpanKind::Internal);
    assert_eq!(connection.text("http.route"), Some("/ws/traced"));
    assert_eq!(connection.text("network.protocol.name"), Some("websocket"));
    assert_root_linked_to(&connection, &handshake.span_context);
}

async fn a_connection_ends_its_span_when_the_client_closes_it<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    let mut socket = WebSocket::open(&server, "/ws/traced").await;
    socket.ask("hello").await.unwrap();
    assert_eq!(sink.only().await.span_kind, SpanKind::Server);
    socket.close().await.unwrap();

    let (handshake, connection) = both(&sink).await;
    assert!(connection.end_time > handshake.end_time);
    assert_no_error(&connection);
}

async fn a_connection_ends_its_span_when_the_client_vanishes<F: Framework>() {
    let (server, sink) = recorded::<F>().await;

    let mut socket = WebSocket::open(&server, "/ws/traced").await;
    socket.ask("hello").await.unwrap();
    socket.reset().unwrap();

    assert_no_error(&both(&sink).await.1);
}

async fn spans_within_a_connection_are_children_of_its_span<F: Framework>() {
    let sink = SpanSink::new();
    let mut setup = traced_setup(&sink);
    setup.work = |setup| {
        native(&setup.provider);
        tracing::info_span!("user").in_scope(|| native(&setup.provider));
    };
    let server = F::serve(setup).await;

    let mut socket = WebSocket::open(&server, "/ws/traced").await;
    socket.ask("hello").await.unwrap();
    socket.close().await.unwrap();

    let spans = sink.wait_for(5).await;
    let [_, outer, inner, user, connection] = &spans[..] else { unreachable!() };
    assert!(outer.is_child_of(connection), "{spans:#?}");
    assert!(user.is_child_of(connection), "{spans:#?}");
    assert!(inner.is_child_of(user), "{spans:#?}");
}

async fn a_connection_is_the_current_tracing_span<F: Framework>() {
    let sink = SpanSink::new();
    let mut setup = traced_setup(&sink);
    setup.work = |_| {
        let name = Span::current().metadata().map(Metadata::name).unwrap_or("none");
        Context::map_current(|cx| cx.span().set_attribute(KeyValue::new("test.current", name)));
    };
    let server = F::serve(setup).await;

    let mut socket = WebSocket::open(&server, "/ws/traced").await;
    socket.ask("hello").await.unwrap();
    socket.close().await.unwrap();

    assert_eq!(both(&sink).await.1.text("test.current"), Some("websocket"));
}

async fn a_panic_in_a_connection_is_marked<F: Framework>() {
    let sink = SpanSink::new();
    let mut setup = Setup::new(&sink);
    setup.work = |_| panic!("scripted");
    let server = F::serve(setup).await;

    let mut socket = WebSocket::open(&server, "/ws/traced").await;
    assert_eq!(socket.ask("panic").await, None);

    let (handshake, connection) = both(&sink).await;
    assert_eq!(connection.text("error.type"), Some("panic"));
    assert_eq!(connection.status, Status::error("scripted"));
    assert_no_error(&handshake);
}

async fn a_handshake_that_is_not_sampled_does_not_decide_for_the_connection<F: Framework>() {
    let sink = SpanSink::new();
    let sampler = Sampler::ParentBased(Box::new(Sampler::AlwaysOn));
    let server = F::serve(Setup::with_provider(sink.provider_sampling(sampler))).await;

    let socket = WebSocket::open_below(&server, "/ws/traced", NOT_SAMPLED).await;
    socket.close().await.unwrap();

    let connection = sink.only().await;
    let link = &connection.links[0].span_context;
    assert_eq!(link.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
    assert!(!link.is_sampled());
    assert_root_linked_to(&connection, link);
}

async fn a_connection_that_is_not_sampled_works<F: Framework>() {
    let sink = SpanSink::new();
    let sampler = Sampler::ParentBased(Box::new(Sampler::AlwaysOff));
    let server = F::serve(Setup::with_provider(sink.provider_sampling(sampler))).await;

    let mut socket = WebSocket::open_below(&server, "/ws/traced", SAMPLED).await;
    assert_eq!(socket.ask("hello").await.as_deref(), Some("hello"));
    socket.close().await.unwrap();
    server.stop().await;

    assert_eq!(sink.only().await.span_kind, SpanKind::Server);
}

async fn a_connection_works_without_an_sdk<F: Framework>() {
    let sink = SpanSink::new();
    let mut setup = Setup::new(&sink);
    setup.has_sdk = false;
    let server = F::serve(setup).await;

    let mut socket = WebSocket::open_below(&server, "/ws/traced", SAMPLED).await;
    assert_eq!(socket.ask("hello").await.as_deref(), Some("hello"));
    socket.close().await.unwrap();
    server.stop().await;

    assert!(sink.spans().is_empty());
}

/// A second subscriber. While a program has only one, `tracing` caches the interest of the thread
/// that reaches a span first. That may be the thread of another test without a subscriber.
static ANOTHER_SUBSCRIBER: LazyLock<Dispatch> =
    LazyLock::new(|| Dispatch::new(NoSubscriber::default()));

/// Returns a server whose `tracing` spans are recorded as well.
fn traced_setup(sink: &SpanSink) -> Setup {
    LazyLock::force(&ANOTHER_SUBSCRIBER);
    let mut setup = Setup::new(sink);
    let layer = tracing_core_ext::exchange::layer(setup.provider.tracer("users"));
    setup.subscriber = Registry::default().with(layer).into();
    setup
}

/// Waits for the span of the handshake and that of the connection.
async fn both(sink: &SpanSink) -> (EndedSpan, EndedSpan) {
    let mut spans = sink.wait_for(2).await;
    let connection = spans.remove(1);
    (spans.remove(0), connection)
}

fn native(provider: &Provider) {
    drop(provider.tracer("native").start("native"));
}

fn assert_root_linked_to(span: &EndedSpan, other: &SpanContext) {
    assert_eq!(span.parent_span_id, opentelemetry::SpanId::INVALID);
    assert_ne!(span.span_context.trace_id(), other.trace_id());
    let links = span.links.iter().map(|link| &link.span_context);
    assert_eq!(links.collect::<Vec<_>>(), [other]);
}
