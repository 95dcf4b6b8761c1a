//! Model check of an exchange that its handler uses on another thread.

use http::Request;
use loom::thread;
use opentelemetry::Value;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SpanData};

use crate::{
    base::sync::check,
    exchange::{Builder, Instrumentation, Outcome},
    http::route::RouteName,
    trace::TracerProvider,
};

fn values<'a>(span: &'a SpanData, key: &str) -> Vec<&'a Value> {
    let attributes = span.attributes.iter().filter(|it| it.key.as_str() == key);
    attributes.map(|it| &it.value).collect()
}

#[test]
fn an_exchange_that_ends_while_its_handler_goes_on_is_one_span_with_at_most_one_route() {
    // Stores both names, because no other model may lock their table. Later uses have them from this thread.
    check(|| {
        for route in ["/{page}", "/checkout/{item}"] {
            RouteName::of("POST", route);
        }
    });
    check(|| {
        let exporter = InMemorySpanExporter::default();
        let provider = TracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        let builder = Builder::<Instrumentation>::new("shop", "1").tracer_provider(&provider);
        let instrumentation = builder.body_sizes(true).build();
        let request = Request::post("/checkout/7").body(()).unwrap();
        let mut exchange = instrumentation.start_server(&request);
        let span = exchange.request_span().unwrap();
        let counter = exchange.request_body_counter().unwrap();

        let handler = thread::spawn(move || {
            counter.add(3);
            span.set_route("POST", "/checkout/{item}");
            counter.add(4);
        });
        exchange.set_route("POST", "/{page}");
        exchange.end(Outcome::Complete);
        handler.join().unwrap();

        let spans = exporter.get_finished_spans().unwrap();
        let [span] = &spans[..] else { panic!("{spans:#?}") };
        let routes = values(span, "http.route");
        assert!(routes.len() <= 1, "{span:#?}");
        if let Some(route) = span.name.strip_prefix("POST ") {
            assert_eq!(routes, [&Value::from(route.to_owned())]);
        } else {
            assert_eq!(span.name, "POST");
        }
        let sizes = values(span, "http.request.body.size");
        let possible = [vec![], vec![Value::I64(3)], vec![Value::I64(7)], vec![Value::I64(0)]];
        assert!(possible.iter().any(|it| it.iter().eq(sizes.iter().copied())), "{span:#?}");
    });
}
