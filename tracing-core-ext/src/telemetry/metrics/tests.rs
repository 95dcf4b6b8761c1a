mod logs;
mod spans;

use std::{net::TcpListener, time::SystemTime};

use ::prometheus::{IntCounter, IntGauge};
use http::{HeaderMap, header};
use opentelemetry::{
    InstrumentationScope, KeyValue,
    metrics::{Meter, MeterProvider},
    trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::trace::InMemorySpanExporter;
use tracing::Dispatch;

use super::*;
use crate::{
    export::prometheus::{Prometheus, server::scrape_server::ScrapeServer},
    telemetry::{Telemetry, builder::TelemetryBuilder, log_format::tests::CapturedLines},
};

fn builder(variables: Vec<(&'static str, String)>) -> TelemetryBuilder {
    Telemetry::builder()
        .service_name("shop")
        .service_version("1.2")
        .environment("test")
        .exporter(InMemorySpanExporter::default())
        .variables(move |name| {
            let found = variables.iter().find(|(key, _)| *key == name)?;
            Some(found.1.clone())
        })
}

struct Rig {
    telemetry: Telemetry,
    dispatch: Dispatch,
    lines: CapturedLines,
}

fn rig(options: Prometheus) -> Rig {
    rig_of(builder(Vec::new()).prometheus(options))
}

fn rig_of(builder: TelemetryBuilder) -> Rig {
    let lines = CapturedLines::default();
    let built = builder.log_writer(lines.clone()).build();
    let (telemetry, dispatch) = built.unwrap();
    Rig { telemetry, dispatch, lines }
}

impl Rig {
    fn meter(&self) -> Meter {
        self.telemetry.meter_provider().unwrap().meter("shop")
    }

    fn scraped_as(&self, accept: &'static str) -> String {
        let endpoint = self.telemetry.metrics_endpoint().unwrap();
        let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
        let response = tracing::dispatcher::with_default(&self.dispatch, || {
            endpoint.respond("GET", "/metrics", &headers)
        });
        assert_eq!(response.status(), 200);
        String::from_utf8(response.into_body().to_vec()).unwrap()
    }

    fn scraped(&self) -> String {
        self.scraped_as("text/plain")
    }

    fn samples(&self, name: &str) -> Vec<String> {
        let text = self.scraped();
        text.lines().filter(|line| line.starts_with(name)).map(str::to_owned).collect()
    }
}

fn refusal(built: Result<(Telemetry, Dispatch), TelemetryError>) -> String {
    built.unwrap_err().to_string()
}

#[test]
fn metrics_are_off_by_default() {
    for variables in [Vec::new(), vec![("OTEL_METRICS_EXPORTER", "none".to_owned())]] {
        let (telemetry, _) = builder(variables).build().unwrap();
        assert!(telemetry.meter_provider().is_none());
        assert!(telemetry.metrics_endpoint().is_none());
        assert!(telemetry.metrics_address().is_none());
        assert!(telemetry.registry().is_none());
    }
}

#[test]
fn the_environment_enables_a_listener() {
    let variables = vec![
        ("OTEL_METRICS_EXPORTER", "prometheus".to_owned()),
        ("OTEL_EXPORTER_PROMETHEUS_HOST", "localhost".to_owned()),
        ("OTEL_EXPORTER_PROMETHEUS_PORT", "0".to_owned()),
    ];
    let (telemetry, _) = builder(variables).build().unwrap();
    let address = telemetry.metrics_address().unwrap();
    assert!(address.ip().is_loopback() && address.port() != 0, "{address}");
}

#[test]
fn a_port_in_use_is_refused_with_the_setting() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let by_variable = refusal(
        builder(vec![
            ("OTEL_METRICS_EXPORTER", "prometheus".to_owned()),
            ("OTEL_EXPORTER_PROMETHEUS_PORT", address.port().to_string()),
        ])
        .build(),
    );
    let expected = format!(
        "OTEL_EXPORTER_PROMETHEUS_PORT=\"{}\": expected a port that is free on 127.0.0.1, or 0 \
         for any (Address",
        address.port()
    );
    assert!(by_variable.starts_with(&expected), "{by_variable}");
    let by_code =
        refusal(builder(Vec::new()).prometheus(Prometheus::new().listen_on(address)).build());
    let expected = format!("listen_on()=\"{address}\": expected an address that can be had");
    assert!(by_code.starts_with(&expected), "{by_code}");
}

#[test]
fn an_address_of_another_host_is_refused_with_the_setting() {
    let refused = refusal(
        builder(vec![
            ("OTEL_METRICS_EXPORTER", "prometheus".to_owned()),
            ("OTEL_EXPORTER_PROMETHEUS_HOST", "192.0.2.1".to_owned()),
        ])
        .build(),
    );
    let expected = "OTEL_EXPORTER_PROMETHEUS_HOST=\"192.0.2.1\": expected an address of this host";
    assert!(refused.starts_with(expected), "{refused}");
}

#[test]
fn after_shutdown_the_listener_is_closed_and_a_mounted_endpoint_returns_503() {
    let rig = rig(Prometheus::new().listen_on(([127, 0, 0, 1], 0)));
    let address = rig.telemetry.metrics_address().unwrap();
    let endpoint = rig.telemetry.metrics_endpoint().unwrap().clone();
    std::net::TcpStream::connect(address).unwrap();
    rig.telemetry.shutdown().unwrap();
    assert!(std::net::TcpStream::connect(address).is_err());
    let response = endpoint.respond("GET", "/metrics", &HeaderMap::new());
    assert_eq!(
        (response.status().as_u16(), &**response.body()),
        (503, &b"telemetry is shut down\n"[..])
    );
}

#[test]
fn the_target_is_the_resource() {
    let rig = rig(Prometheus::mounted());
    let target = &rig.samples("target_info{")[0];
    for label in [
        "service_name=\"shop\"",
        "service_version=\"1.2\"",
        "deployment_environment_name=\"test\"",
        "telemetry_sdk_language=\"rust\"",
        "service_instance_id=",
        "process_pid=",
    ] {
        assert!(target.contains(label), "{target}");
    }
    let openmetrics = rig.scraped_as("application/openmetrics-text");
    assert!(openmetrics.contains("# TYPE target info\n"), "{openmetrics}");
    assert!(openmetrics.contains("\ntarget_info{"), "{openmetrics}");
}

#[test]
fn meters_and_collectors_are_scraped_together() {
    let paid = IntCounter::new("shop_paid_total", "Paid.").unwrap();
    let rig = rig(Prometheus::mounted().collector(paid.clone()));
    paid.inc_by(3);
    let stock = IntGauge::new("shop_stock", "Stock.").unwrap();
    rig.telemetry.registry().unwrap().register(stock.clone()).unwrap();
    stock.set(7);
    rig.meter().u64_counter("shop.orders").build().add(2, &[KeyValue::new("by", "card")]);
    assert_eq!(
        rig.samples("shop_"),
        [
            "shop_orders_total{by=\"card\",otel_scope_name=\"shop\"} 2",
            "shop_paid_total 3",
            "shop_stock 7",
        ]
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn process_and_runtime_are_scraped() {
    let rig = rig(Prometheus::mounted());
    assert!(rig.samples("process_cpu_seconds_total ").len() == 1);
    assert_eq!(rig.samples("tokio_workers "), ["tokio_workers 1"]);
}

#[test]
fn an_invalid_collector_is_an_error_of_the_set_up() {
    let paid = IntCounter::new("paid_total", "Paid.").unwrap();
    let options = Prometheus::mounted().collector(paid.clone()).collector(paid);
    assert_eq!(
        refusal(builder(Vec::new()).prometheus(options).build()),
        "metric \"paid_total\": expected a name that is not registered yet"
    );
}

#[test]
fn a_collector_named_as_an_instrument_is_refused() {
    let rig = rig(Prometheus::mounted());
    let _wait = rig.meter().f64_histogram("queue.wait").with_unit("s").build();
    let wait = IntCounter::new("queue_wait_seconds_total", "Wait.").unwrap();
    assert_eq!(
        rig.telemetry.registry().unwrap().register(wait).unwrap_err().to_string(),
        "metric \"queue_wait_seconds_total\": expected a name that does not clash with \"queue.wait\""
    );
}

#[test]
fn instruments_with_one_prometheus_name_are_logged_once() {
    let rig = rig(Prometheus::mounted());
    tracing::dispatcher::with_default(&rig.dispatch, || {
        for _ in 0..2 {
            rig.meter().u64_counter("a.b").build().add(1, &[]);
            rig.meter().u64_counter("a_b").build().add(5, &[]);
            rig.meter().u64_gauge("a.b").build().record(9, &[]);
        }
    });
    assert_eq!(rig.samples("a_b"), ["a_b_total{otel_scope_name=\"shop\"} 2"]);
    let lines = rig.lines.all();
    let of_instruments = lines.iter().filter(|line| line.contains("rename one of them"));
    assert_eq!(of_instruments.count(), 2, "{lines:?}");
}

#[test]
fn the_instrument_that_was_made_first_is_scraped_and_its_conflicts_are_counted_and_logged_once() {
    for _ in 0..8 {
        let rig = rig(Prometheus::mounted());
        tracing::dispatcher::with_default(&rig.dispatch, || {
            let meter = |name| rig.telemetry.meter_provider().unwrap().meter(name);
            let orders = meter("first").u64_counter("orders").build();
            meter("second").u64_gauge("orders.total").build().record(9, &[]);
            meter("third").f64_histogram("wait").build().record(1.0, &[]);
            meter("fourth").u64_gauge("wait.count").build().record(9, &[]);
            assert_eq!(rig.samples("orders"), [""; 0], "the first one has no values yet");
            orders.add(7, &[]);
        });
        assert_eq!(rig.samples("orders"), ["orders_total{otel_scope_name=\"first\"} 7"]);
        assert_eq!(rig.samples("wait_count"), ["wait_count{otel_scope_name=\"third\"} 1"]);
        let skipped = rig.samples("otel_prometheus_skipped_total ");
        assert_eq!(skipped, ["otel_prometheus_skipped_total 8"], "two in each of four scrapes");
        let lines = rig.lines.all();
        let conflicts =
            lines.iter().filter(|line| line.contains("otel_") || line.contains("rename"));
        assert_eq!(conflicts.count(), 2, "{lines:?}");
        assert!(!lines.iter().any(|line| line.contains("is left out of")), "{lines:?}");
    }
}

#[test]
fn attribute_keys_with_other_characters_are_exposed() {
    let builder = builder(Vec::new()).resource_attribute("aws:region", "eu");
    let builder = builder.resource_attribute("9lives", "cat").prometheus(Prometheus::mounted());
    let rig = rig_of(builder);
    let orders = rig.meter().u64_counter("orders").build();
    orders.add(1, &[KeyValue::new("aws:region", "eu"), KeyValue::new("__name__", "evil")]);
    let target = &rig.samples("target_info{")[0];
    assert!(target.contains("aws_region=\"eu\"") && target.contains("_lives=\"cat\""), "{target}");
    assert_eq!(
        rig.samples("orders_total"),
        ["orders_total{_name_=\"evil\",aws_region=\"eu\",otel_scope_name=\"shop\"} 1"]
    );
    assert_eq!(rig.samples("otel_prometheus_skipped_total "), ["otel_prometheus_skipped_total 0"]);
}

#[test]
fn a_callback_that_panics_loses_only_its_own_measurements() {
    let rig = rig(Prometheus::mounted());
    let meter = rig.meter();
    meter.u64_counter("orders").build().add(1, &[]);
    let callback = |observer: &dyn opentelemetry::metrics::AsyncInstrument<u64>| {
        observer.observe(3, &[]);
        panic!("no stock");
    };
    meter.u64_observable_gauge("stock").with_callback(callback).build();
    for _ in 0..3 {
        assert_eq!(rig.samples("orders_total{").len(), 1);
        assert_eq!(rig.samples("target_info{").len(), 1);
    }
    assert_eq!(rig.samples("stock{"), ["stock{otel_scope_name=\"shop\"} 3"]);
    let skipped = rig.samples("otel_prometheus_skipped_total ");
    assert_eq!(skipped, ["otel_prometheus_skipped_total 8"], "one in each scrape");
    let lines = rig.lines.all();
    let logged = lines.iter().filter(|line| line.contains("\"stock\" panicked"));
    assert_eq!(logged.count(), 1, "{lines:?}");
    assert!(lines.iter().any(|line| line.ends_with("no stock")), "{lines:?}");
}

#[test]
fn every_scrape_fails_after_a_panic_inside_of_the_sdk() {
    let rig = rig(Prometheus::mounted());
    let unguarded: &SdkMeterProvider = rig.telemetry.meter_provider().unwrap();
    let callback = |_: &dyn opentelemetry::metrics::AsyncInstrument<u64>| panic!("no stock");
    let meter = unguarded.meter_with_scope(InstrumentationScope::builder("shop").build());
    meter.u64_observable_gauge("stock").with_callback(callback).build();
    let endpoint = rig.telemetry.metrics_endpoint().unwrap();
    tracing::dispatcher::with_default(&rig.dispatch, || {
        for _ in 0..3 {
            let response = endpoint.respond("GET", "/metrics", &HeaderMap::new());
            assert_eq!(response.status(), 500);
        }
        assert_eq!(endpoint.respond("GET", "/health", &HeaderMap::new()).status(), 200);
    });
    let lines = rig.lines.all();
    let logged = lines.iter().filter(|line| line.contains("no metrics are scraped any more"));
    assert_eq!(logged.count(), 1, "{lines:?}");
}

#[test]
fn the_buckets_of_a_histogram_are_cumulative() {
    let rig = rig(Prometheus::mounted());
    let wait = rig.meter().f64_histogram("wait").with_boundaries(vec![1.0, 2.0]).build();
    [0.5, 1.5, 1.5, 9.0].into_iter().for_each(|value| wait.record(value, &[]));
    assert_eq!(
        rig.samples("wait_"),
        [
            "wait_bucket{otel_scope_name=\"shop\",le=\"1\"} 1",
            "wait_bucket{otel_scope_name=\"shop\",le=\"2\"} 3",
            "wait_bucket{otel_scope_name=\"shop\",le=\"+Inf\"} 4",
            "wait_sum{otel_scope_name=\"shop\"} 12.5",
            "wait_count{otel_scope_name=\"shop\"} 4",
        ]
    );
}

#[test]
fn an_instrument_with_the_name_of_a_collector_is_logged_and_not_exposed() {
    let paid = IntCounter::new("paid_total", "Paid.").unwrap();
    let rig = rig(Prometheus::mounted().collector(paid));
    tracing::dispatcher::with_default(&rig.dispatch, || {
        rig.meter().u64_gauge("paid").build().record(9, &[]);
    });
    assert_eq!(rig.samples("paid"), ["paid_total 0"], "one scrape");
    let lines = rig.lines.all();
    assert!(
        lines.iter().any(|line| line.contains("\"paid\"") && line.contains("rename")),
        "{lines:?}"
    );
    assert_eq!(rig.samples("otel_prometheus_skipped_total "), ["otel_prometheus_skipped_total 2"]);
}

#[test]
fn series_above_the_limit_are_counted_in_one_and_logged_once() {
    let rig = rig(Prometheus::mounted().cardinality_limit(3));
    let counter = rig.meter().u64_counter("visits").build();
    (0..100).for_each(|visitor| counter.add(1, &[KeyValue::new("visitor", visitor)]));
    for _ in 0..2 {
        let samples = rig.samples("visits_total{");
        assert_eq!(samples.len(), 4, "{samples:?}");
        assert!(samples.iter().any(|sample| {
            sample.contains("otel_metric_overflow=\"true\"") && sample.ends_with(" 97")
        }));
    }
    let lines = rig.lines.all();
    let of_limit = lines.iter().filter(|line| line.contains("\"visits_total\" has more series"));
    assert_eq!(of_limit.count(), 1, "{lines:?}");
}

#[test]
fn an_invalid_cardinality_limit_is_refused() {
    let options = Prometheus::mounted().cardinality_limit(0);
    assert_eq!(
        refusal(builder(Vec::new()).prometheus(options).build()),
        "cardinality_limit()=\"0\": expected a number of series from 1 to 1048576"
    );
}

#[test]
fn values_of_a_meter_have_exemplars_in_openmetrics() {
    let rig = rig(Prometheus::mounted());
    let scope = InstrumentationScope::builder("layer").with_version("1").build();
    let meter = rig.telemetry.meter_provider().unwrap().meter_with_scope(scope.clone());
    let name = "http.server.request.duration";
    let bounds = [0.1, 1.0];
    let histogram = meter.f64_histogram(name).with_unit("s").with_boundaries(bounds.into()).build();
    let exemplars = rig
        .telemetry
        .metrics
        .as_ref()
        .unwrap()
        .output::<ScrapeServer>()
        .unwrap()
        .exemplars()
        .histogram(&scope, name, "s", &bounds);
    let attributes = [KeyValue::new("http.route", "/a"), KeyValue::new("status", 200)];
    let (trace, span) = (TraceId::from_bytes([1; 16]), SpanId::from_bytes([2; 8]));
    let span = SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::NONE);
    histogram.record(0.5, &attributes);
    exemplars.record(&attributes, 0.5, &span, SystemTime::UNIX_EPOCH);
    let text = rig.scraped_as("application/openmetrics-text");
    let bucket = "http_server_request_duration_seconds_bucket{http_route=\"/a\",status=\"200\",\
                  otel_scope_name=\"layer\",otel_scope_version=\"1\",le=\"1.0\"} 1 \
                  # {trace_id=\"01010101010101010101010101010101\",span_id=\"0202020202020202\"} \
                  0.5 0.000\n";
    assert!(text.contains(bucket), "{text}");
    assert!(!rig.scraped().contains("trace_id"));
}

#[test]
fn disabled_telemetry_serves_health_and_collectors_and_records_no_metrics() {
    let disabled = vec![("OTEL_SDK_DISABLED", "true".to_owned())];
    let orders = IntCounter::new("shop_orders_total", "Orders.").unwrap();
    orders.inc_by(3);
    let rig = rig_of(builder(disabled).prometheus(Prometheus::mounted().collector(orders)));
    rig.meter().u64_counter("shop.carts").build().add(1, &[]);
    assert_eq!(rig.samples("shop_"), ["shop_orders_total 3"]);
    assert!(rig.telemetry.registry().is_some());
    let endpoint = rig.telemetry.metrics_endpoint().unwrap();
    assert_eq!(endpoint.respond("GET", "/health", &HeaderMap::new()).status(), 200);
    rig.telemetry.shutdown().unwrap();
}
