//! Proxies that the environment sets. Each test runs itself again in a process with such an
//! environment.

use std::{env, process::Command, sync::mpsc::RecvTimeoutError};

use super::*;

/// Variable in the process of an exporter: the endpoint, and whether it exports over gRPC.
const ENDPOINT: &str = "TEST_ENDPOINT";
const IS_GRPC: &str = "TEST_IS_GRPC";
/// An address for documentation, on which no server listens.
const ELSEWHERE: &str = "http://192.0.2.1:9317";

/// Exports a span to `endpoint` in an environment whose proxy for HTTP is `proxy`, and waits until
/// that is done.
fn export_behind(proxy: &str, test: &str, endpoint: &str, is_grpc: bool) {
    let test = format!("{}::{test}", module_path!().split_once("::").unwrap().1);
    let mut process = Command::new(env::current_exe().unwrap());
    process.args(["--exact", &test]).env("HTTP_PROXY", proxy).env("http_proxy", proxy);
    process.env(ENDPOINT, endpoint).env(IS_GRPC, is_grpc.to_string()).env_remove("NO_PROXY");
    let output = process.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
}

/// Exports a span if this is the process of an exporter.
fn has_exported() -> bool {
    let Ok(endpoint) = env::var(ENDPOINT) else { return false };
    let otlp = match env::var(IS_GRPC).as_deref() {
        Ok("true") => Otlp::grpc(),
        _ => Otlp::http_protobuf(),
    };
    let otlp = otlp.endpoint(endpoint).timeout(Duration::from_millis(500));
    let (telemetry, _dispatch) =
        builder().otlp(otlp).log_writer(CapturedLines::default()).build().unwrap();
    end_a_span(&telemetry);
    let _ = telemetry.shutdown();
    true
}

#[test]
fn a_collector_on_this_machine_is_reached_without_a_proxy() {
    if has_exported() {
        return;
    }
    let (proxy, through_proxy) = collector("200 OK");
    let (url, received) = collector("200 OK");
    let test = "a_collector_on_this_machine_is_reached_without_a_proxy";
    export_behind(&proxy, test, &url, false);
    assert!(received.try_recv().unwrap().head.starts_with("POST /v1/traces "));
    assert!(through_proxy.try_recv().is_err());
}

#[test]
fn a_collector_elsewhere_is_reached_through_a_proxy() {
    if has_exported() {
        return;
    }
    let (proxy, through_proxy) = collector("200 OK");
    export_behind(&proxy, "a_collector_elsewhere_is_reached_through_a_proxy", ELSEWHERE, false);
    let head = through_proxy.try_recv().unwrap().head;
    assert!(head.starts_with("POST http://192.0.2.1:9317/v1/traces "), "{head}");
}

/// The proxy of this test reads nothing, because it would be HTTP/2.
#[test]
fn grpc_without_tls_is_not_sent_to_a_proxy() {
    if has_exported() {
        return;
    }
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", proxy.local_addr().unwrap());
    let (sender, accepted) = channel();
    thread::spawn(move || sender.send(proxy.accept().is_ok()));
    export_behind(&url, "grpc_without_tls_is_not_sent_to_a_proxy", ELSEWHERE, true);
    assert_eq!(accepted.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
}
