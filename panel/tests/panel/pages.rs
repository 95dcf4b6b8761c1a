//! Pages and the API.

use prost::Message;
use reqwest::header;
use tracing_panel::Panel;

use crate::telemetry::{
    Running, SPAN, TRACE, attribute, crawl, failed_span, logs, traces, with_failed_request,
};

#[tokio::test]
async fn every_page_shows_the_failed_request() {
    let panel = with_failed_request().await;
    for (path, text) in [
        ("/?window=all", "GET /checkout/{item}"),
        ("/traces", "GET /checkout/{item}"),
        ("/traces?q=shop.item:tea&sort=slowest", "250 ms"),
        (&format!("/traces/{TRACE}"), "out of stock"),
        (&format!("/traces/{TRACE}?span={SPAN}"), "cannot reserve tea"),
        (&format!("/traces/{TRACE}/spans/{SPAN}"), "shop.item"),
        ("/map?window=all", "gateway"),
        ("/errors?window=all", "out of stock"),
        ("/logs?q=severity>=error", "cannot reserve tea"),
        ("/metrics", "No metrics yet"),
        ("/health", "log records"),
        ("/running", "No request is running"),
        ("/help", "next error"),
    ] {
        assert!(panel.text(path).await.contains(text), "{path} lacks {text}");
    }
}

#[tokio::test]
async fn each_link_of_a_page_leads_to_a_page() {
    let panel = with_failed_request().await;
    let seen = crawl(&panel, "/").await;
    assert!(seen.len() > 30, "{seen:?}");
}

#[tokio::test]
async fn a_wrong_search_shows_where_it_is_wrong() {
    let panel = with_failed_request().await;
    let response = panel.get("/traces?q=dur%3Efast").await;
    assert_eq!(response.status(), 400);
    assert!(response.text().await.unwrap().contains("\n    ^ expected a duration"));
    let response = panel.get("/api/traces?q=dur%3Efast").await;
    assert_eq!(response.status(), 400);
    let error: serde_json::Value = response.json().await.unwrap();
    assert_eq!((error["position"].as_u64(), error["error"].is_string()), (Some(4), true));
}

#[tokio::test]
async fn what_is_not_stored_is_not_found() {
    let panel = Running::start(Panel::new()).await;
    for path in [
        "/traces/1",
        &format!("/traces/{TRACE}"),
        &format!("/api/traces/{TRACE}"),
        "/none",
        "/assets/none",
        "/metrics/show",
    ] {
        assert_eq!(panel.get(path).await.status(), 404, "{path}");
    }
}

#[tokio::test]
async fn markup_of_others_is_text() {
    let panel = Running::start(Panel::new()).await;
    let markup = "\"><script>alert(1)</script>";
    let mut span = failed_span();
    span.name = markup.to_owned();
    span.attributes = vec![attribute(markup, markup), attribute("huge", &"A".repeat(1_000_000))];
    span.attributes.extend((0..100_000).map(|number| attribute(&format!("key{number}"), "x")));
    span.start_time_unix_nano = 0;
    span.end_time_unix_nano = u64::MAX;
    let headers = [("content-type", "application/x-protobuf")];
    panel.send("traces", &headers, traces(vec![span]).encode_to_vec()).await;
    panel.send("logs", &headers, logs(&format!("{markup}\0\r\u{1b}")).encode_to_vec()).await;
    for path in [
        "/?window=all",
        "/traces",
        &format!("/traces/{TRACE}"),
        "/map?window=all",
        "/errors?window=all",
        "/logs",
    ] {
        let page = panel.text(path).await;
        assert!(!page.contains("<script>"), "{path}");
        assert!(!page.contains(['\0', '\r', '\u{1b}']), "{path}");
        assert!(page.len() < 1_000_000, "{path}: {} bytes", page.len());
    }
    let health = panel.json("/api/health").await;
    assert_eq!(health["signals"][0]["truncated"], 2, "the value and the list of attributes");
}

#[tokio::test]
async fn assets_are_compressed_and_sent_once() {
    let panel = Running::start(Panel::new()).await;
    let client = reqwest::Client::new();
    let get = |headers: Vec<(header::HeaderName, String)>| {
        let request = client.get(format!("{}/assets/panel.css", panel.pages));
        headers
            .into_iter()
            .fold(request, |request, (name, value)| request.header(name, value))
            .send()
    };
    let plain = get(vec![]).await.unwrap();
    let tag = plain.headers()[header::ETAG].to_str().unwrap().to_owned();
    let compressed = get(vec![(header::ACCEPT_ENCODING, "br, gzip".to_owned())]).await.unwrap();
    assert_eq!(compressed.headers()[header::CONTENT_ENCODING], "gzip");
    let (plain, compressed) = (plain.bytes().await.unwrap(), compressed.bytes().await.unwrap());
    assert!(compressed.len() * 2 < plain.len());
    assert_eq!(get(vec![(header::IF_NONE_MATCH, tag)]).await.unwrap().status(), 304);
}

#[tokio::test]
async fn live_events_have_the_rows_of_new_records() {
    let panel = Running::start(Panel::new()).await;
    let mut live = panel.get("/live/logs?q=reserve").await;
    let headers = [("content-type", "application/x-protobuf")];
    panel.send("logs", &headers, logs("other").encode_to_vec()).await;
    panel.send("logs", &headers, logs("cannot reserve tea").encode_to_vec()).await;
    let event = live.chunk().await.unwrap().unwrap();
    let event = std::str::from_utf8(&event).unwrap();
    assert!(
        event.starts_with("event: record\n") && event.contains("cannot reserve tea"),
        "{event}"
    );
    assert!(event.contains(TRACE) && !event.contains("other"));
}

#[tokio::test]
async fn live_views_are_limited() {
    let panel = Running::start(Panel::new()).await;
    let mut open = Vec::new();
    for _ in 0..64 {
        open.push(panel.get("/live/requests").await);
    }
    assert_eq!(panel.get("/live/requests").await.status(), 503);
}
