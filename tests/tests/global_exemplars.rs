//! A scrape in OpenMetrics has exemplars with trace ids in the buckets of durations. Telemetry is
//! installed once in a process, so this is one test.

use std::time::Duration;

use actix_web::{App, test, web};
use axum::{Router, body::Body, http::Request, routing::get};
use tests::{SpanSink, scrape};
use tokio::time::sleep;
use tower::ServiceExt;
use tracing_actix_middleware::Tracing;
use tracing_axum_layer::TracingLayer;
use tracing_core_ext::prometheus::Prometheus;

/// `traceparent` of a sampled trace, and of one that is not sampled.
const SAMPLED: &str = "0af7651916cd43dd8448eb211c80319c";
const UNSAMPLED: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[actix_web::test]
async fn a_sampled_request_is_the_exemplar_of_the_bucket_that_counts_it() {
    let sink = SpanSink::new();
    let builder = tests::telemetry(&sink).prometheus(Prometheus::mounted());
    let telemetry = builder.install().unwrap();
    let endpoint = telemetry.metrics_endpoint().unwrap();

    for (path, trace) in [("/sampled", SAMPLED), ("/unsampled", UNSAMPLED)] {
        ask_axum(path, trace).await;
        ask_actix(path, trace).await;
    }

    let text = scrape(endpoint).await;
    for scope in ["tracing-axum-layer", "tracing-actix-middleware"] {
        let series = Series::of(&text, scope, "/sampled");
        let (bucket, exemplar) = series.only_exemplar();
        assert!(exemplar.starts_with(&format!("{{trace_id=\"{SAMPLED}\",span_id=\"")), "{text}");
        let value: f64 = exemplar.split(' ').nth(1).unwrap().parse().unwrap();
        assert!(value >= 0.06, "{exemplar}");
        assert!(value <= series.bound(bucket) && value > series.bound(bucket - 1), "{exemplar}");
        assert_eq!((series.count(bucket - 1), series.count(bucket)), (0, 1), "{text}");
        assert_eq!(Series::of(&text, scope, "/unsampled").exemplars().count(), 0, "{text}");
    }
    telemetry.shutdown().unwrap();
    for span in sink.spans().iter().filter(|span| span.name == "GET /sampled") {
        assert!(text.contains(&span.span_context.span_id().to_string()), "{text}");
    }
    assert!(!text.contains(UNSAMPLED), "{text}");
}

async fn answer() -> &'static str {
    sleep(Duration::from_millis(60)).await;
    "ok"
}

fn traceparent(path: &str, trace: &str) -> String {
    let flags = if path == "/sampled" { "01" } else { "00" };
    format!("00-{trace}-b7ad6b7169203331-{flags}")
}

async fn ask_axum(path: &str, trace: &str) {
    let app = Router::new().route(path, get(answer)).layer(TracingLayer::new());
    let request = Request::get(path).header("traceparent", traceparent(path, trace));
    app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
}

async fn ask_actix(path: &str, trace: &str) {
    let app = App::new().route(path, web::get().to(answer)).wrap(Tracing::new());
    let app = test::init_service(app).await;
    let request = test::TestRequest::get().uri(path);
    let request = request.insert_header(("traceparent", traceparent(path, trace))).to_request();
    test::call_and_read_body(&app, request).await;
}

/// Buckets of the durations of one route.
struct Series<'a>(Vec<&'a str>);

impl<'a> Series<'a> {
    fn of(text: &'a str, scope: &str, route: &str) -> Self {
        let labels = [format!("otel_scope_name=\"{scope}\""), format!("http_route=\"{route}\"")];
        let is_ours = |line: &&str| {
            line.starts_with("http_server_request_duration_seconds_bucket{")
                && labels.iter().all(|label| line.contains(label))
        };
        let buckets: Vec<_> = text.lines().filter(is_ours).collect();
        assert_eq!(buckets.len(), 15, "{scope} {route} in {text}");
        Self(buckets)
    }

    fn exemplars(&self) -> impl Iterator<Item = (usize, &'a str)> {
        let lines = self.0.iter().enumerate();
        lines.filter_map(|(bucket, line)| Some((bucket, line.split_once(" # ")?.1)))
    }

    fn only_exemplar(&self) -> (usize, &'a str) {
        let all: Vec<_> = self.exemplars().collect();
        assert_eq!(all.len(), 1, "{all:?}");
        all[0]
    }

    fn bound(&self, bucket: usize) -> f64 {
        let (_, rest) = self.0[bucket].split_once("le=\"").unwrap();
        rest.split('"').next().unwrap().parse().unwrap()
    }

    fn count(&self, bucket: usize) -> u64 {
        let (_, rest) = self.0[bucket].split_once("} ").unwrap();
        rest.split(' ').next().unwrap().parse().unwrap()
    }
}
