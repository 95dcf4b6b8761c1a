//! The main job, as a newcomer runs it.

use std::{net::TcpListener, process::Output};

use tokio::process::Command;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

#[tokio::test]
async fn the_shop_prints_a_trace_of_three_services_for_every_request_and_exits() {
    let output = shop().output().await.unwrap();

    let printed = printed(&output);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(printed.matches(" 3 services ").count(), 5, "{printed}");
    for span in ["gateway    GET /checkout/{item}", "└ GET /stock/{item}", "└ GET /prices/{item}"]
    {
        assert_eq!(printed.matches(span).count(), 5, "{span} in {printed}");
    }
    assert_eq!(printed.matches("cancelled_before_head").count(), 1, "{printed}");
    assert_eq!(printed.matches("✗ 500").count(), 2, "{printed}");
    assert_eq!(printed.matches("├ bid").count(), 2, "{printed}");
}

#[tokio::test]
async fn an_endpoint_that_is_none_is_refused_by_every_service() {
    let output = shop().env(ENDPOINT, "nowhere").output().await.unwrap();

    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains(r#"OTEL_EXPORTER_OTLP_ENDPOINT="nowhere""#), "{said}");
}

#[tokio::test]
async fn every_service_says_what_it_lost_before_the_shop_names_the_first() {
    let output = shop().env(ENDPOINT, nowhere()).output().await.unwrap();

    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert_eq!(said.matches(" spans were not delivered to ").count(), 3, "{said}");
    assert!(said.contains("shop: gateway ended with exit status: 1"), "{said}");
}

/// A port nobody listens on.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn shop() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_shop"));
    command.env_remove(ENDPOINT).env_remove("OTEL_SERVICE_NAME");
    command
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}
