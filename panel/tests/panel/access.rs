//! Access to pages.

use reqwest::{RequestBuilder, header, redirect::Policy};
use tracing_panel::{Access, Panel};

use crate::telemetry::Running;

fn client() -> reqwest::Client {
    reqwest::Client::builder().redirect(Policy::none()).build().unwrap()
}

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn another_host_is_refused() {
    let panel = Running::start(Panel::new()).await;
    let get = |host: &str| client().get(&panel.pages).header(header::HOST, host);
    assert_eq!(status(get("localhost:4380")).await, 200);
    assert_eq!(status(get("evil.example:4380")).await, 403);
    assert_eq!(status(get("127.0.0.1.evil.example")).await, 403);
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing() {
    let panel = Running::start(Panel::new()).await;
    let post = || client().post(format!("{}/import", panel.pages)).body("{\"resourceSpans\":[]}");
    assert_eq!(status(post().header(header::ORIGIN, "http://evil.example")).await, 403);
    assert_eq!(status(post().header(header::ORIGIN, "null")).await, 403);
    assert_eq!(status(post().header(header::ORIGIN, &panel.pages)).await, 200);
    assert_eq!(status(post()).await, 200, "a program sends no origin");
}

#[tokio::test]
async fn a_token_is_required_and_kept_in_a_cookie() {
    let access = Access::with_random_token().unwrap();
    let token = access.token().unwrap().to_owned();
    let panel = Running::start(Panel::new().with_access(access)).await;
    let address = format!("{}/traces", panel.pages);
    let get = || client().get(&address);
    assert_eq!(status(get()).await, 401);
    assert_eq!(status(client().get(format!("{address}?token=guess"))).await, 401);
    assert_eq!(status(get().header(header::COOKIE, "panel_token=guess")).await, 401);
    let given = client().get(format!("{address}?token={token}")).send().await.unwrap();
    assert_eq!(
        (given.status().as_u16(), &given.headers()[header::LOCATION]),
        (303, &"/traces".parse().unwrap())
    );
    let cookie = given.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    assert_eq!(status(get().header(header::COOKIE, cookie)).await, 200);
    assert_eq!(status(get().bearer_auth(token)).await, 200);
}

#[tokio::test]
async fn answers_forbid_scripts_of_others() {
    let panel = Running::start(Panel::new()).await;
    for path in ["/", "/none", "/assets/main.js", "/api/traces"] {
        let response = panel.get(path).await;
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    }
}
