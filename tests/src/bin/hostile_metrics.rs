//! A service whose metrics have hostile names, descriptions, labels and values, for
//! `.ci/hostile.py`. It prints the labels that a scraper has to find as JSON, then `ready`, and the
//! addresses of the service and of its metrics.

use std::{
    error::Error,
    io::{Write, stdin, stdout},
};

use axum::{Router, routing::get};
use opentelemetry::{KeyValue, global, metrics::Meter};
use prometheus::{CounterVec, GaugeVec, Opts};
use serde_json::json;
use tokio::net::TcpListener;
use tracing_axum_layer::TracingLayer;
use tracing_core_ext::{prometheus::Prometheus, telemetry::Telemetry};

const DESCRIPTION: &str = "one\ntwo \\n \"three\"\r # EOF \u{1f980} {le=\"1\"}";

/// Label values, the last of which has 10 kB.
fn values() -> Vec<String> {
    let short = [
        "",
        " ",
        "a\nb",
        "a\r\nb",
        "\"quoted\"",
        "a\\b",
        "a\\nb",
        "ends with \\",
        "nul \0",
        "\u{1b}[31mred",
        "\u{7f}\u{85}\u{2028}",
        "\u{1f980} ü",
        "} 1 # EOF",
        "{le=\"+Inf\"}",
        "a,b=\"c\"",
    ];
    short.into_iter().map(str::to_owned).chain([long()]).collect()
}

fn long() -> String {
    "x\n".repeat(5_000)
}

/// Values of gauges, whose labels contain them as text.
const VALUES: [f64; 6] =
    [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN_POSITIVE, -0.0];

/// Label keys, and what the conventions for Prometheus make of them.
const KEYS: [(&str, &str); 8] = [
    ("a.b", "a_b"),
    ("a-b c", "a_b_c"),
    ("1st", "_st"),
    ("ü", "_"),
    ("new\nline", "new_line"),
    ("quote\"=\"", "quote_"),
    ("crab \u{1f980}\u{1f980} crab", "crab_crab"),
    ("nul\0", "nul_"),
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let labelled = CounterVec::new(Opts::new("hostile_crate_total", DESCRIPTION), &["value"])?;
    for value in values() {
        labelled.with_label_values(&[&value]).inc();
    }
    // Meters do not record all of these values.
    let gauges = GaugeVec::new(Opts::new("hostile_gauge", DESCRIPTION), &["value"])?;
    for value in VALUES {
        gauges.with_label_values(&[&value.to_string()]).set(value);
    }
    let telemetry = Telemetry::builder()
        .service_name("hos\"ti\\le\n\u{1f980}")
        .prometheus(Prometheus::new().collector(labelled).collector(gauges))
        .install()?;
    record(&global::meter("hostile \"scope\"\n\\"));

    let app = Router::new().route("/", get(async || "ok")).layer(TracingLayer::new());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let expected = json!({
        "values": values(),
        "keys": KEYS.map(|(_, exposed)| exposed),
    });
    writeln!(stdout(), "expected {expected}")?;
    let metrics = telemetry.metrics_address().ok_or("no address of the metrics")?;
    writeln!(stdout(), "ready http://{} http://{metrics}", listener.local_addr()?)?;
    tokio::spawn(async { axum::serve(listener, app).await });
    // The parent closes the input.
    tokio::task::spawn_blocking(|| stdin().lines().for_each(drop)).await?;
    Ok(telemetry.shutdown()?)
}

fn record(meter: &Meter) {
    let counter = meter.u64_counter("hostile.orders-of/tea.").with_description(DESCRIPTION);
    let counter = counter.with_unit("{order}").build();
    for value in values() {
        counter.add(1, &[KeyValue::new("value", value)]);
    }
    for (key, _) in KEYS {
        counter.add(1, &[KeyValue::new(key, "key")]);
    }

    let histogram = meter.f64_histogram("hostile.histogram").with_unit("By/s\n\"").build();
    let limits = [f64::MIN, -0.0, f64::from_bits(1), f64::MAX, f64::NAN, f64::INFINITY];
    limits.into_iter().for_each(|value| histogram.record(value, &[]));
    // A histogram has labels of this name itself.
    meter.f64_histogram("hostile.le").build().record(1.0, &[KeyValue::new("le", "1")]);
}
