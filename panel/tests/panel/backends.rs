//! Pages over the API of a Jaeger and of a Prometheus. `.ci/panel` has the real ones.

use axum::{
    Json, Router,
    extract::{Path, Query},
    http::StatusCode,
    routing::get,
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use tokio::net::TcpListener;
use tracing_panel::{Panel, source::Backends};

use crate::telemetry::{Running, SPAN, TRACE, crawl};

/// Requests that a backend has received: path and parameters.
type Requests = Arc<Mutex<Vec<(String, HashMap<String, String>)>>>;

fn trace() -> Value {
    let now = tracing_panel::model::now() / 1_000;
    json!({
        "traceID": TRACE,
        "spans": [{
            "traceID": TRACE, "spanID": SPAN, "operationName": "GET /checkout/{item}",
            "processID": "p1", "startTime": now - 60_000_000, "duration": 250_000, "references": [],
            "tags": [
                { "key": "span.kind", "type": "string", "value": "server" },
                { "key": "error", "type": "bool", "value": true },
                { "key": "otel.status_description", "type": "string", "value": "out of stock" },
                { "key": "shop.item", "type": "string", "value": "tea" },
            ],
            "logs": [],
        }],
        "processes": { "p1": { "serviceName": "gateway", "tags": [] } },
    })
}

async fn jaeger(requests: Requests) -> String {
    jaeger_that_finds(requests, |query| query["service"] == "gateway").await
}

async fn jaeger_that_finds(
    requests: Requests,
    finds: fn(&HashMap<String, String>) -> bool,
) -> String {
    let search = move |Query(query): Query<HashMap<String, String>>| {
        let is_ours = finds(&query);
        requests.lock().unwrap().push(("traces".to_owned(), query));
        let traces = if is_ours { vec![trace()] } else { Vec::new() };
        async move { Json(json!({ "data": traces })) }
    };
    let one = async |Path(id): Path<String>| match id == TRACE {
        true => Ok(Json(json!({ "data": [trace()] }))),
        false => Err(StatusCode::NOT_FOUND),
    };
    let services = async || Json(json!({ "data": ["gateway", "stock"] }));
    serve(
        Router::new()
            .route("/api/services", get(services))
            .route("/api/traces", get(search))
            .route("/api/traces/{id}", get(one)),
    )
    .await
}

async fn prometheus() -> String {
    let now = tracing_panel::model::now() as f64 / 1e9;
    let metadata = json!({ "data": {
        "http_server_duration_seconds": [{ "type": "histogram", "help": "Duration", "unit": "s" }],
    } });
    let instant = json!({ "data": { "result": [
        { "metric": { "__name__": "http_server_duration_seconds_count", "job": "gateway" }, "value": [now, "7"] },
        { "metric": { "__name__": "http_server_duration_seconds_bucket", "job": "gateway" }, "value": [now, "70"] },
        { "metric": { "__name__": "queue_length", "job": "gateway" }, "value": [now, "3"] },
    ] } });
    let range = move |Query(query): Query<HashMap<String, String>>| async move {
        let values = |last: &str| json!([[now - 60.0, "1"], [now, last]]);
        let series = match query["query"].contains("_bucket") {
            true => json!([
                { "metric": { "job": "gateway", "le": "0.1" }, "values": values("3") },
                { "metric": { "job": "gateway", "le": "+Inf" }, "values": values("7") },
            ]),
            false => json!([{ "metric": { "job": "gateway" }, "values": values("3") }]),
        };
        Json(json!({ "data": { "result": series } }))
    };
    serve(
        Router::new()
            .route("/api/v1/metadata", get(async move || Json(metadata)))
            .route("/api/v1/query", get(async move || Json(instant)))
            .route("/api/v1/query_range", get(range)),
    )
    .await
}

async fn serve(routes: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, routes).await });
    address
}

async fn panel(jaeger: Option<&str>, prometheus: Option<&str>) -> Running {
    Running::start(Panel::new().with_source(Backends::new(jaeger, prometheus).unwrap())).await
}

#[tokio::test]
async fn the_same_pages_show_traces_of_jaeger_and_metrics_of_prometheus() {
    let requests = Requests::default();
    let jaeger = jaeger(Arc::clone(&requests)).await;
    let panel = panel(Some(&jaeger), Some(&prometheus().await)).await;
    for (path, text) in [
        ("/overview", "GET /checkout/{item}"),
        ("/overview", &*jaeger),
        ("/traces?q=shop.item:tea", "250 ms"),
        (&format!("/traces/{TRACE}"), "out of stock"),
        (&format!("/traces/{TRACE}/spans/{SPAN}"), "shop.item"),
        (&format!("/compare?a={TRACE}&b={TRACE}"), "GET /checkout/{item}"),
        ("/map", "gateway"),
        ("/errors", "out of stock"),
        ("/logs", "Jaeger stores no log records"),
        ("/running", "when they have ended"),
        ("/metrics", "7 measured"),
        ("/metrics", "queue_length"),
        ("/metrics/show?service=gateway&name=http_server_duration_seconds", "p95"),
        ("/metrics/show?service=gateway&name=queue_length", "gauge"),
    ] {
        assert!(panel.text(path).await.contains(text), "{path} lacks {text}");
    }
    assert!(!panel.text("/metrics").await.contains("_bucket"));
    assert_eq!(panel.json("/api/traces").await["traces"][0]["traceId"], TRACE);
    assert_eq!(panel.get(&format!("/traces/{}", "1".repeat(32))).await.status(), 404);
    let seen = crawl(&panel, "/").await;
    assert!(seen.len() > 20, "{seen:?}");
}

#[tokio::test]
async fn a_search_limits_what_jaeger_returns() {
    let requests = Requests::default();
    let panel = panel(Some(&jaeger(Arc::clone(&requests)).await), None).await;
    let query = "/api/traces?q=service:gateway+error:true+dur>=200ms&window=1h";
    assert_eq!(panel.json(query).await["traces"].as_array().unwrap().len(), 1);
    let (_, query) = requests.lock().unwrap().pop().unwrap();
    assert_eq!((&*query["service"], &*query["minDuration"]), ("gateway", "200000us"));
    assert_eq!(query["tags"], "{\"error\":\"true\"}");
    let seconds = |name: &str| query[name].parse::<u64>().unwrap() / 1_000_000;
    assert_eq!(seconds("end") - seconds("start"), 3_600);
    assert!(requests.lock().unwrap().is_empty(), "no other service is asked");
    let none = "/api/traces?q=service:gateway+shop.item:honey";
    assert_eq!(panel.json(none).await["traces"], json!([]), "the panel checks every condition");
}

#[tokio::test]
async fn failed_traces_are_found_in_a_jaeger_that_finds_no_attribute() {
    let requests = Requests::default();
    let finds = |query: &HashMap<String, String>| !query.contains_key("tags");
    let jaeger = jaeger_that_finds(Arc::clone(&requests), finds).await;
    let panel = panel(Some(&jaeger), None).await;
    let failed = "/api/traces?q=service:gateway+error:true";
    assert_eq!(panel.json(failed).await["traces"].as_array().unwrap().len(), 1);
    assert_eq!(requests.lock().unwrap().len(), 2);
    let failed_and_slow = format!("{failed}+dur>=1s");
    assert_eq!(panel.json(&failed_and_slow).await["traces"], json!([]));
}

#[tokio::test]
async fn a_backend_that_does_not_answer_is_reported() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = format!("http://{}", unused.local_addr().unwrap());
    drop(unused);
    let broken = serve(Router::new().route("/api/services", get(async || "no JSON"))).await;
    for address in [nowhere, broken] {
        let panel = panel(Some(&address), None).await;
        let response = panel.get("/overview").await;
        assert_eq!(response.status(), 502);
        assert!(response.text().await.unwrap().contains(&address));
        assert_eq!(panel.get("/api/overview").await.status(), 502);
        let metrics = panel.text("/metrics").await;
        assert!(metrics.contains("started without --prometheus"), "{metrics}");
    }
    assert!(Backends::new(Some("jaeger:16686"), None).is_err());
}
