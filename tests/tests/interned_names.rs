//! Names of spans are kept up to a limit. The limit is one of the process, so this is one test.

use std::thread;

use axum::{
    Extension, Router,
    body::Body,
    http::{Request, Response},
    routing::get,
};
use tests::{Lines, MetricSink, SpanSink};
use tower::{Layer, ServiceExt, service_fn};
use tracing_axum_layer::{RequestSpan, TracingLayer};
use tracing_core_ext::client::{ClientLayer, UrlTemplate};

/// Sends a request through a layer outside of the router, whose handler sets this route.
fn request_on_new_thread(metrics: &MetricSink, route: impl Fn() -> Vec<String> + Send + 'static) {
    let builder = TracingLayer::builder().tracer_provider(&SpanSink::new().provider());
    let layer = builder.meter_provider(metrics.provider()).build();
    let subscriber = tracing::dispatcher::get_default(Clone::clone);
    let send = move || {
        let _guard = tracing::dispatcher::set_default(&subscriber);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for route in route() {
            let set = async |span: RequestSpan, Extension(route): Extension<String>| {
                span.set_route("GET", &route);
            };
            let service = layer.layer(Router::new().fallback(get(set)).layer(Extension(route)));
            let request = Request::get("/").body(Body::empty()).unwrap();
            drop(runtime.block_on(service.oneshot(request)).unwrap());
        }
    };
    thread::spawn(send).join().unwrap();
}

fn count(metrics: &MetricSink, name: &str, key: &str, label: &str) -> u64 {
    let series = metrics.series(name);
    let labelled = series.iter().filter(|it| it.labels.get(key) == Some(&label.to_owned().into()));
    labelled.map(|it| it.count).sum()
}

#[tokio::test]
async fn a_kept_route_is_a_label_on_every_thread_and_templates_have_a_limit_of_their_own() {
    let (lines, metrics) = (Lines::default(), MetricSink::new());
    let subscriber = tracing_subscriber::fmt().with_writer(lines.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let real = || vec!["/real/{id}".to_owned()];

    request_on_new_thread(&metrics, real);
    request_on_new_thread(&metrics, || (0..4200).map(|n| format!("/careless/{n}")).collect());
    request_on_new_thread(&metrics, real);

    let durations = "http.server.request.duration";
    assert_eq!(count(&metrics, durations, "http.route", "/real/{id}"), 2);
    assert_eq!(count(&metrics, durations, "http.route", "/careless/7"), 1);
    assert_eq!(count(&metrics, durations, "http.route", "/careless/4199"), 0);
    let warnings = |of: &str| lines.all().iter().filter(|line| line.contains(of)).count();
    assert_eq!((warnings("4,096 routes"), warnings("4,096 URL templates")), (1, 0));

    let layer = ClientLayer::builder().meter_provider(metrics.provider()).build();
    for n in 0..4200 {
        let service = service_fn(async |_| Ok::<_, std::io::Error>(Response::new(Body::empty())));
        let request = Request::get("http://shop.example/");
        let request = request.extension(UrlTemplate::new(format!("/items/{n}")));
        drop(layer.layer(service).oneshot(request.body(Body::empty()).unwrap()).await.unwrap());
    }
    let durations = "http.client.request.duration";
    assert_eq!(count(&metrics, durations, "url.template", "/items/7"), 1);
    assert_eq!(count(&metrics, durations, "url.template", "/items/4199"), 0);
    assert_eq!((warnings("4,096 routes"), warnings("4,096 URL templates")), (1, 1));
}
