//! `Span::current()` in a handler is the span of the request: with the subscriber of `Telemetry`, with
//! the layer of this crate and with a plain one, each also inside of `reload::Layer`.

use std::thread;

use opentelemetry::{
    Context,
    baggage::BaggageExt,
    trace::{TraceContextExt, TracerProvider as _},
};
use tests::{EndedSpanExt, Framework, Provider, Setup, SpanSink, on_both_frameworks};
use tracing::{Instrument, Span, info, info_span};
use tracing_core_ext::testing::EndedSpan;
use tracing_core_ext::{
    exchange::{Builder, Instrumentation},
    telemetry::Telemetry,
};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{Registry, layer::SubscriberExt, reload};

on_both_frameworks![
    an_explicit_parent_is_the_request,
    on_another_thread_it_is_the_request,
    a_task_in_it_belongs_to_the_request,
    entered_again_it_is_the_request,
    a_span_that_follows_from_it_links_to_the_request,
    its_context_is_that_of_the_request,
    an_attribute_set_on_it_is_on_the_server_span,
    a_parent_set_from_its_context_is_the_request,
    a_link_added_to_it_is_on_the_server_span,
    a_clone_of_it_outlives_the_request_without_effect,
    the_current_context_is_never_empty,
    a_parent_set_on_it_is_refused,
    a_line_or_a_span_does_not_change_the_current_context,
    in_a_request_that_a_handler_serves_it_is_the_inner_request,
];

/// Sets the subscriber of a server whose spans end in the sink.
type Subscriber = fn(&mut Setup, &SpanSink);

const DIRECT: [Subscriber; 3] = [
    |setup, sink| {
        let variable = |name: &str| (name == "OTEL_TRACES_EXPORTER").then(|| "none".to_owned());
        let telemetry = Telemetry::builder()
            .variables(variable)
            .service_name("tests")
            .log_writer(std::io::sink)
            .span_processor(sink.receiver());
        let (telemetry, subscriber) = telemetry.build().unwrap();
        setup.provider = telemetry.tracer_provider().clone().into();
        setup.subscriber = subscriber;
        // It would be shut down otherwise.
        std::mem::forget(telemetry);
    },
    |setup, _| {
        let layer = tracing_core_ext::exchange::layer(tracer(&setup.provider));
        setup.subscriber = Registry::default().with(layer).into();
    },
    |setup, _| setup.subscriber = Registry::default().with(plain(&setup.provider)).into(),
];

const RELOADED: [Subscriber; 2] = [
    |setup, _| {
        let layer = tracing_core_ext::exchange::layer::<Registry, _>(tracer(&setup.provider));
        setup.subscriber = Registry::default().with(reload::Layer::new(layer).0).into();
    },
    |setup, _| {
        let layer = reload::Layer::new(plain(&setup.provider)).0;
        setup.subscriber = Registry::default().with(layer).into();
    },
];

fn tracer(provider: &Provider) -> tests::SharedTracer {
    provider.tracer("users")
}

/// A layer with the tracer itself, which sees whether a span is that of an exchange.
fn plain(
    provider: &Provider,
) -> tracing_opentelemetry::OpenTelemetryLayer<Registry, tracing_core_ext::trace::Tracer> {
    let Provider::Own(provider) = provider else { panic!("the provider of the crate") };
    tracing_opentelemetry::layer().with_tracer(provider.tracer("users"))
}

/// Returns the spans of a request whose handler does `work`, the server span last.
async fn spans<F: Framework>(
    subscriber: Subscriber,
    count: usize,
    work: fn(&Setup),
) -> (Vec<EndedSpan>, EndedSpan) {
    let sink = SpanSink::new();
    let mut setup = Setup { work, ..Setup::new(&sink) };
    subscriber(&mut setup, &sink);
    let server = F::serve(setup).await;
    reqwest::get(server.url("/work")).await.unwrap();
    server.stop().await;
    let mut spans = sink.wait_for(count + 1).await;
    let request = spans.iter().position(|span| span.name.starts_with("GET /")).unwrap();
    let request = spans.remove(request);
    (spans, request)
}

fn all() -> impl Iterator<Item = Subscriber> {
    DIRECT.into_iter().chain(RELOADED)
}

async fn an_explicit_parent_is_the_request<F: Framework>() {
    for subscriber in all() {
        let work = |_: &Setup| drop(info_span!(parent: &Span::current(), "child"));
        let (spans, request) = spans::<F>(subscriber, 1, work).await;
        assert!(spans[0].is_child_of(&request), "{spans:#?}");
    }
}

async fn on_another_thread_it_is_the_request<F: Framework>() {
    for subscriber in all() {
        let work = |setup: &Setup| {
            let (current, subscriber) = (Span::current(), setup.subscriber.clone());
            let other = thread::spawn(move || {
                tracing::dispatcher::with_default(&subscriber, || {
                    drop(info_span!(parent: &current, "explicit"));
                    current.in_scope(|| drop(info_span!("entered")));
                });
            });
            other.join().unwrap();
        };
        let (spans, request) = spans::<F>(subscriber, 2, work).await;
        assert!(spans.iter().all(|span| span.is_child_of(&request)), "{spans:#?}");
    }
}

async fn a_task_in_it_belongs_to_the_request<F: Framework>() {
    for subscriber in all() {
        let work = |setup: &Setup| {
            let task = async { drop(info_span!("task")) }.in_current_span();
            let subscriber = setup.subscriber.clone();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let run = move || {
                tracing::dispatcher::with_default(&subscriber, || runtime.block_on(task));
            };
            thread::spawn(run).join().unwrap();
        };
        let (spans, request) = spans::<F>(subscriber, 1, work).await;
        assert!(spans[0].is_child_of(&request), "{spans:#?}");
    }
}

async fn entered_again_it_is_the_request<F: Framework>() {
    for subscriber in all() {
        let work = |_: &Setup| Span::current().in_scope(|| drop(info_span!("child")));
        let (spans, request) = spans::<F>(subscriber, 1, work).await;
        assert!(spans[0].is_child_of(&request), "{spans:#?}");
    }
}

async fn a_span_that_follows_from_it_links_to_the_request<F: Framework>() {
    for subscriber in all() {
        let work = |_: &Setup| {
            let span = info_span!(parent: None, "follower");
            span.follows_from(Span::current());
        };
        let (spans, request) = spans::<F>(subscriber, 1, work).await;
        let links: Vec<_> = spans[0].links.iter().map(|link| &link.span_context).collect();
        assert_eq!(links.len(), 1, "{spans:#?}");
        assert_eq!(links[0].span_id(), request.span_context.span_id());
    }
}

async fn its_context_is_that_of_the_request<F: Framework>() {
    for subscriber in DIRECT {
        let work = |_: &Setup| {
            let context = Span::current().context();
            let id = context.span().span_context().span_id().to_string();
            let set = |cx: &Context| {
                cx.span().set_attribute(opentelemetry::KeyValue::new("test.id", id.clone()));
            };
            Context::map_current(set);
        };
        let (_, request) = spans::<F>(subscriber, 0, work).await;
        let id = request.span_context.span_id().to_string();
        assert_eq!(request.text("test.id"), Some(&*id));
    }
}

async fn an_attribute_set_on_it_is_on_the_server_span<F: Framework>() {
    for subscriber in DIRECT {
        let work = |_: &Setup| Span::current().set_attribute("test.user", 7);
        let (_, request) = spans::<F>(subscriber, 0, work).await;
        assert_eq!(request.integer("test.user"), Some(7));
    }
}

async fn a_parent_set_from_its_context_is_the_request<F: Framework>() {
    for subscriber in DIRECT {
        let work = |setup: &Setup| {
            let (context, subscriber) = (Span::current().context(), setup.subscriber.clone());
            let other = thread::spawn(move || {
                tracing::dispatcher::with_default(&subscriber, || {
                    let span = info_span!("moved");
                    span.set_parent(context).unwrap();
                });
            });
            other.join().unwrap();
        };
        let (spans, request) = spans::<F>(subscriber, 1, work).await;
        assert!(spans[0].is_child_of(&request), "{spans:#?}");
    }
}

async fn a_link_added_to_it_is_on_the_server_span<F: Framework>() {
    for subscriber in DIRECT {
        let work = |_: &Setup| {
            let other = info_span!(parent: None, "other");
            Span::current().add_link(other.context().span().span_context().clone());
        };
        let (spans, request) = spans::<F>(subscriber, 1, work).await;
        let links: Vec<_> = request.links.iter().map(|link| link.span_context.span_id()).collect();
        assert_eq!(links, [spans[0].span_context.span_id()]);
    }
}

async fn a_clone_of_it_outlives_the_request_without_effect<F: Framework>() {
    for subscriber in all() {
        let sink = SpanSink::new();
        let mut setup = Setup::new(&sink);
        subscriber(&mut setup, &sink);
        setup.work = |setup| {
            let (current, control) = (Span::current(), setup.control.clone());
            tokio::spawn(async move {
                control.released().await;
                current.set_attribute("too.late", true);
                drop(info_span!(parent: &current, "later"));
            });
        };
        let control = setup.control.clone();
        let server = F::serve(setup).await;
        reqwest::get(server.url("/work")).await.unwrap();
        let request = sink.only().await;
        control.release();
        let later = sink.wait_for(2).await.remove(1);
        assert!(later.is_child_of(&request), "{later:#?}");
        assert_eq!(request.attribute("too.late"), None);
    }
}

async fn the_current_context_is_never_empty<F: Framework>() {
    for subscriber in all() {
        let work = |_: &Setup| {
            let valid = || Context::map_current(|cx| cx.span().span_context().is_valid());
            assert!(valid());
            Span::current().in_scope(|| assert!(valid()));
            info_span!("user").in_scope(|| {
                assert!(valid());
                Span::current().in_scope(|| assert!(valid()));
            });
            assert!(valid());
        };
        let (spans, request) = spans::<F>(subscriber, 1, work).await;
        assert!(spans[0].is_child_of(&request), "{spans:#?}");
        assert_eq!(request.attribute("error.type"), None, "no assertion failed");
    }
}

async fn a_parent_set_on_it_is_refused<F: Framework>() {
    for subscriber in DIRECT {
        let work = |_: &Setup| {
            let other = info_span!(parent: None, "other").context();
            assert!(Span::current().set_parent(other).is_err());
            drop(info_span!(parent: &Span::current(), "child"));
        };
        let (spans, request) = spans::<F>(subscriber, 2, work).await;
        assert!(spans.iter().any(|span| span.is_child_of(&request)), "{spans:#?}");
        assert_eq!(request.attribute("error.type"), None, "no assertion failed");
    }
}

async fn a_line_or_a_span_does_not_change_the_current_context<F: Framework>() {
    for subscriber in all() {
        let work = |_: &Setup| {
            let shop =
                || Context::map_current(|cx| cx.baggage().get("shop").map(|shop| shop.to_string()));
            let user = opentelemetry::KeyValue::new("shop", "tea");
            let attached = Context::current_with_baggage([user]).attach();
            info!("found");
            assert_eq!(shop().as_deref(), Some("tea"));
            info_span!("user").in_scope(|| assert_eq!(shop().as_deref(), Some("tea")));
            assert_eq!(shop().as_deref(), Some("tea"));
            drop(attached);
            assert_eq!(shop(), None);
            assert!(Context::map_current(|cx| cx.span().span_context().is_valid()));
        };
        let (spans, request) = spans::<F>(subscriber, 1, work).await;
        assert!(spans[0].is_child_of(&request), "{spans:#?}");
        assert_eq!(request.attribute("error.type"), None, "no assertion failed");
    }
}

async fn in_a_request_that_a_handler_serves_it_is_the_inner_request<F: Framework>() {
    for subscriber in all() {
        let work = |setup: &Setup| {
            let middleware = setup.middleware(Builder::<Instrumentation>::new("tests", "1"));
            let request = http::Request::get("/inner").body(()).unwrap();
            let mut exchange = middleware.start_server(&request);
            exchange.in_scope(|| drop(info_span!(parent: &Span::current(), "inner child")));
            drop(exchange);
            drop(info_span!(parent: &Span::current(), "outer child"));
        };
        let (spans, request) = spans::<F>(subscriber, 3, work).await;
        let named = |name: &str| spans.iter().find(|span| span.name == name).unwrap();
        assert!(named("outer child").is_child_of(&request), "{spans:#?}");
        assert!(named("inner child").is_child_of(named("GET")), "{spans:#?}");
    }
}
