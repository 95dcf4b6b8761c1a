//! Panels in a program: mounted below a path, or with a listener of their own.

use axum::{
    Router,
    body::{Bytes, to_bytes},
    http::{Request, header},
};
use reqwest::redirect::Policy;
use tracing_panel::{
    Access, Pages, Panel,
    model::{SpanId, TraceId},
    store::RunningRequest,
};

use crate::telemetry::{Running, TRACE, crawl, send_failed_request};

#[tokio::test]
async fn links_stay_below_the_path_of_a_mounted_panel() {
    let panel = Panel::mounted().with_access(Access::Loopback);
    for app in [
        Router::new().nest("/tools/panel", panel.routes()),
        Router::new().nest_service("/tools/panel", panel.routes()),
    ] {
        let running = Running::start_with(&panel, app).await;
        send_failed_request(&running).await;
        assert!(running.text("/tools/panel").await.contains("<base href=\"/tools/panel/\">"));
        let seen = crawl(&running, "/tools/panel/").await;
        assert!(seen.len() > 30, "{seen:?}");
        assert!(seen.contains("/tools/panel/assets/panel.css"), "{seen:?}");
    }
}

#[tokio::test]
async fn a_mounted_panel_requires_a_token_and_keeps_it_for_its_path() {
    let panel = Panel::mounted();
    let token = panel.access().token().unwrap().to_owned();
    let app = Router::new().nest("/panel", panel.routes());
    let running = Running::start_with(&panel, app).await;
    assert_eq!(running.get("/panel").await.status(), 401);
    let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
    let address = format!("{}/panel/traces?token={token}", running.pages);
    let response = client.get(address).send().await.unwrap();
    assert_eq!(response.headers()[header::LOCATION], "/panel/traces");
    let cookie = response.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("; Path=/panel/;"), "{cookie}");
}

#[tokio::test]
async fn pages_respond_to_requests_of_any_framework() {
    let pages = Pages::new(&Panel::mounted().with_access(Access::Loopback));
    let request = Request::get("/shop/panel/traces?q=a").header(header::HOST, "localhost");
    let request = request.body(Bytes::new()).unwrap();
    let response = pages.respond("/traces?q=a".parse().unwrap(), request).await;
    assert_eq!(response.status(), 200);
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let page = String::from_utf8(body.into()).unwrap();
    assert!(page.contains("<base href=\"/shop/panel/\">"), "{page}");
    assert!(page.contains("href=\"/shop/panel/traces?q=a#main\""), "{page}");
}

#[tokio::test]
async fn a_path_cannot_name_another_host() {
    let running = Running::start(Panel::new()).await;
    let page = running.get("//evil.example/").await.text().await.unwrap();
    assert!(page.contains("href=\"/evil.example/#main\""), "{page}");
}

#[tokio::test]
async fn a_listener_serves_until_it_is_dropped() {
    let panel = Panel::new().listen_on(([127, 0, 0, 1], 0));
    let served = panel.serve().unwrap().unwrap();
    let url = format!("http://{}/", served.address());
    assert_eq!(panel.url(), Some(&*url));
    assert_eq!(reqwest::get(&url).await.unwrap().status(), 200);
    let taken = Panel::new().listen_on(served.address()).serve();
    assert!(taken.is_err(), "the address is taken");
    drop(served);
    assert!(reqwest::get(&url).await.is_err(), "the listener is closed");
    assert!(Panel::mounted().serve().unwrap().is_none());
}

#[tokio::test]
async fn a_listener_for_other_machines_requires_a_token() {
    let panel = Panel::new().listen_on(([0, 0, 0, 0], 0));
    let served = panel.serve().unwrap().unwrap();
    let address = format!("http://127.0.0.1:{}/", served.address().port());
    assert_eq!(reqwest::get(address).await.unwrap().status(), 401);
    let token = panel.access().token().unwrap();
    assert!(panel.url().unwrap().ends_with(&format!("/?token={token}")));
}

#[tokio::test]
async fn running_requests_are_shown_until_their_span_is_stored() {
    let panel = Panel::new();
    let running = Running::start(panel.clone()).await;
    panel.store().running().begin(RunningRequest {
        trace_id: TRACE.parse::<TraceId>().unwrap(),
        span_id: crate::telemetry::SPAN.parse::<SpanId>().unwrap(),
        service: "gateway".into(),
        name: "GET /checkout/tea".into(),
        start: tracing_panel::model::now(),
    });
    assert!(running.text("/running").await.contains("GET /checkout/tea"));
    assert_eq!(running.json("/api/running").await["requests"][0]["traceId"], TRACE);
    assert_eq!(running.json("/api/overview").await["inFlight"]["gateway"], 1);
    send_failed_request(&running).await;
    assert_eq!(running.json("/api/running").await["requests"], serde_json::json!([]));
    assert!(running.text("/running").await.contains("No request is running"));
}
