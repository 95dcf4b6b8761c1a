//! The panel inside of a service: requests, their log lines and metrics appear in its API.

use ::axum::Router;
use actix_web::{App, HttpServer, web};
use opentelemetry::metrics::MeterProvider;
use serde_json::Value;
use tests::{Framework, ScriptStep, Setup, on_both_frameworks};
use tokio::net::TcpListener;
use tracing_core_ext::{
    panel::{Access, Panel},
    telemetry::{Telemetry, TelemetryBuilder},
};

on_both_frameworks![a_request_is_listed_while_it_runs_and_stored_when_it_ends];

fn builder() -> TelemetryBuilder {
    let variables = |name: &str| (name == "OTEL_TRACES_EXPORTER").then(|| "none".to_owned());
    Telemetry::builder().variables(variables).service_name("shop").log_writer(std::io::sink)
}

async fn get(url: String) -> String {
    let response = reqwest::get(&url).await.unwrap();
    assert_eq!(response.status(), 200, "{url}");
    response.text().await.unwrap()
}

async fn json(panel: &Panel, path: &str) -> Value {
    serde_json::from_str(&get(format!("{}{path}", panel.url().unwrap())).await).unwrap()
}

async fn a_request_is_listed_while_it_runs_and_stored_when_it_ends<F: Framework>() {
    let panel = Panel::new().listen_on(([127, 0, 0, 1], 0));
    let (telemetry, subscriber) = builder().panel(panel.clone()).build().unwrap();
    let work = |_: &Setup| tracing::warn!(item = "tea", "out of stock");
    let provider = telemetry.tracer_provider().clone();
    let setup = Setup { subscriber, work, ..Setup::with_provider(provider) };
    let control = setup.control.clone();
    let server = F::serve(setup).await;

    let script = control.script();
    let streaming = reqwest::get(server.url("/stream")).await.unwrap();
    let running = json(&panel, "api/running").await["requests"].clone();
    assert_eq!(running.as_array().unwrap().len(), 1, "{running}");
    assert_eq!(running[0]["name"], "GET /stream");
    assert_eq!(running[0]["service"], "shop");
    assert_eq!(json(&panel, "api/overview").await["inFlight"]["shop"], 1);

    let _ = script.send(ScriptStep::Data("end"));
    drop(script);
    assert_eq!(streaming.text().await.unwrap(), "end");
    get(server.url("/work")).await;
    server.stop().await;
    telemetry.tracer_provider().force_flush().unwrap();
    assert_eq!(json(&panel, "api/running").await["requests"], Value::Array(Vec::new()));
    let traces = json(&panel, "api/traces?q=route:/stream").await["traces"].clone();
    assert_eq!(traces[0]["traceId"], running[0]["traceId"], "{traces}");
    assert_eq!(traces[0]["service"], "shop");

    let record = warning(&panel).await;
    assert_eq!(record["body"], "out of stock");
    assert_eq!(record["attributes"]["item"], "tea");
    let traces = json(&panel, "api/traces?q=route:/work").await["traces"].clone();
    assert_eq!(record["traceId"], traces[0]["traceId"], "the line belongs to its request");

    let meters = telemetry.meter_provider().unwrap();
    meters.meter("shop").u64_counter("shop.orders").build().add(7, &[]);
    meters.force_flush().unwrap();
    assert!(get(format!("{}metrics", panel.url().unwrap())).await.contains("shop.orders"));

    telemetry.shutdown().unwrap();
    assert!(reqwest::get(panel.url().unwrap()).await.is_err(), "the listener is closed");
}

/// Returns the line of the handler as soon as the thread that stores lines has stored it.
async fn warning(panel: &Panel) -> Value {
    loop {
        let records = json(panel, "api/logs?q=severity>=warn").await["records"].clone();
        let mut records = records.as_array().unwrap().iter();
        if let Some(record) = records.find(|record| record["body"] == "out of stock") {
            return record.clone();
        }
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let error = builder().panel(Panel::new().listen_on(address)).build().unwrap_err().to_string();
    assert!(error.starts_with(&format!("Panel::listen_on()=\"{address}\": expected")), "{error}");
}

#[tokio::test]
async fn axum_serves_a_mounted_panel() {
    let panel = Panel::mounted();
    let app = Router::new().nest("/tools/panel", panel.routes());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { ::axum::serve(listener, app).await });
    serves_pages_below_a_path(&panel, &format!("http://{address}/tools/panel")).await;
}

#[tokio::test]
async fn actix_serves_a_mounted_panel() {
    let panel = Panel::mounted();
    let mounted = panel.clone();
    let app = move || {
        let scope = web::scope("/tools/panel").configure(tracing_actix_middleware::panel(&mounted));
        App::new().service(scope)
    };
    let server = HttpServer::new(app).workers(1).disable_signals().bind("127.0.0.1:0").unwrap();
    let address = server.addrs()[0];
    tokio::spawn(server.run());
    serves_pages_below_a_path(&panel, &format!("http://{address}/tools/panel")).await;
}

async fn serves_pages_below_a_path(panel: &Panel, root: &str) {
    let (telemetry, _) = builder().panel(panel.clone()).build().unwrap();
    let Access::Token(token) = panel.access() else { panic!("a mounted panel requires a token") };
    assert_eq!(reqwest::get(root).await.unwrap().status(), 401);
    let get =
        |path: &str| reqwest::Client::new().get(format!("{root}{path}")).bearer_auth(token).send();
    for path in ["", "/overview", "/traces?q=name:%2Fb", "/assets/panel.css", "/api/health"] {
        let response = get(path).await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let page = response.text().await.unwrap();
        let has_base = page.contains("<base href=\"/tools/panel/\">");
        assert_eq!(has_base, page.starts_with("<!DOCTYPE"), "{path}: {page}");
    }
    let page = get("/traces?q=%22a%20b%22").await.unwrap().text().await.unwrap();
    assert!(page.contains("value=\"&quot;a b&quot;\""), "{page}");
    let import = reqwest::Client::new().post(format!("{root}/import")).bearer_auth(token);
    let imported = import.body("{\"resourceSpans\":[]}").send().await.unwrap();
    assert_eq!(imported.status(), 200);
    telemetry.shutdown().unwrap();
}
