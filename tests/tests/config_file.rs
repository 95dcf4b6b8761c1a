//! A configuration file sets up a service.

use std::{fs, path::PathBuf};

use opentelemetry::{Key, KeyValue, metrics::MeterProvider};
use tests::{Framework, Setup, SpanSink, on_both_frameworks, scrape, telemetry};
use tracing_core_ext::{prometheus::Prometheus, telemetry::TelemetryError};

on_both_frameworks![rules_attributes_and_propagators_of_a_file_apply_to_requests];

/// A configuration file, which is removed at the end.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("{}-{name}.yaml", std::process::id()));
        fs::write(&path, format!("file_format: \"1.1\"\n{text}")).unwrap();
        Self(path)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

async fn rules_attributes_and_propagators_of_a_file_apply_to_requests<F: Framework>() {
    let file = File::new(
        std::any::type_name::<F>().rsplit("::").next().unwrap(),
        r"
resource:
  attributes: [ { name: team, value: blue }, { name: replicas, value: 3, type: int } ]
propagator: { composite: [ b3: ] }
tracer_provider:
  processors: [ { batch: { exporter: { otlp_http: } } } ]
  limits: { attribute_count_limit: 2 }
  sampler:
    composite/development:
      rule_based:
        rules:
          - attribute_patterns: { key: url.path, included: [ /status/* ] }
            sampler: { always_off: }
          - sampler: { parent_threshold: { root: { always_on: } } }
",
    );
    let sink = SpanSink::new();
    let (telemetry, subscriber) = telemetry(&sink).config_file(&file.0).build().unwrap();
    let resource = telemetry.tracer_provider().resource();
    assert_eq!(resource.get(&Key::new("team")), Some("blue".into()));
    assert_eq!(resource.get(&Key::new("replicas")), Some(3.into()));
    assert_eq!(resource.get(&Key::new("process.pid")), None, "nothing is detected");

    let setup = Setup::with_provider(telemetry.tracer_provider().clone());
    let server =
        F::serve(Setup { subscriber, propagator: Some(telemetry.propagator().clone()), ..setup })
            .await;
    let client = reqwest::Client::new();
    for path in ["/status/204", "/items/7"] {
        let request = client.get(server.url(path));
        let request = request.header("b3", "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1");
        request.send().await.unwrap().bytes().await.unwrap();
    }

    telemetry.tracer_provider().force_flush().unwrap();
    let span = sink.only().await;
    assert_eq!(span.name, "GET /items/{id}");
    assert_eq!(span.parent_span_id.to_string(), "b7ad6b7169203331");
    assert_eq!(span.attributes.len(), 2, "{span:?}");
    assert!(span.dropped_attributes_count > 0, "{span:?}");
}

#[tokio::test]
async fn views_of_a_file_apply_to_every_reader() {
    let file = File::new(
        "views",
        r"
meter_provider:
  readers: [ { periodic: { exporter: { otlp_http: } } } ]
  views:
    - selector: { instrument_name: SHOP.orders }
      stream: { name: shop.sales, attribute_keys: { included: [ kind ] } }
    - selector: { instrument_name: shop.secret*, instrument_type: counter }
      stream: { aggregation: { drop: } }
    - selector: { unit: s }
      stream: { aggregation: { explicit_bucket_histogram: { boundaries: [ 1, 2 ] } } }
",
    );
    let telemetry = telemetry(&SpanSink::new()).config_file(&file.0);
    let (telemetry, _subscriber) = telemetry.prometheus(Prometheus::mounted()).build().unwrap();
    let meter = telemetry.meter_provider().unwrap().meter("shop");
    let order = [KeyValue::new("kind", "tea"), KeyValue::new("customer", "7")];
    meter.u64_counter("shop.orders").build().add(1, &order);
    meter.u64_counter("shop.secrets").build().add(1, &[]);
    meter.u64_counter("shop.visits").build().add(1, &[]);
    meter.f64_histogram("shop.time").with_unit("s").build().record(1.5, &[]);

    let page = scrape(telemetry.metrics_endpoint().unwrap()).await;
    let lines: Vec<_> = page.lines().filter(|line| line.starts_with("shop_")).collect();
    let scope = "otel_scope_name=\"shop\"";
    let expected = [
        format!("shop_sales_total{{kind=\"tea\",{scope}}} 1"),
        format!("shop_visits_total{{{scope}}} 1"),
    ];
    for line in &expected {
        assert!(lines.iter().any(|found| *found == line), "{line} in {page}");
    }
    assert!(!page.contains("shop_orders") && !page.contains("secrets"), "{page}");
    let bounds = lines.iter().filter(|line| line.starts_with("shop_time_seconds_bucket")).count();
    assert_eq!(bounds, 3, "{page}");
}

#[test]
fn a_file_that_cannot_be_used_starts_nothing() {
    let file = File::new(
        "endpoint",
        "tracer_provider: { processors: [ { batch: { exporter: { otlp_http: { endpoint: nowhere } } } } ] }\n",
    );
    let build = || {
        let builder = tracing_core_ext::telemetry::Telemetry::builder().service_name("tests");
        let path = file.0.display().to_string();
        builder.variables(move |name| (name == "OTEL_CONFIG_FILE").then(|| path.clone()))
    };
    assert_eq!(build().check().unwrap(), [""; 0]);
    let error: TelemetryError = build().build().unwrap_err();
    let expected = format!(
        "{}:2:70: tracer_provider.processors[0].batch.exporter.otlp_http.endpoint=\"nowhere\": \
         expected an absolute http:// or https:// URL such as http://localhost:4318",
        file.0.display()
    );
    assert_eq!(error.to_string(), expected);
}
