use std::{
    io::{Read, Write},
    net::Shutdown,
    time::Instant,
};

use http::HeaderMap;
use opentelemetry_sdk::Resource;

use super::*;
use crate::export::prometheus::registry::Registry;

struct Rig {
    endpoint: Endpoint,
    listener: Listener,
}

fn rig() -> Rig {
    let resource = Resource::builder_empty().build();
    let endpoint = Endpoint::new(Registry::default(), Arc::default(), &resource, Vec::new());
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    Rig { listener: Listener::start(socket, endpoint.clone()).unwrap(), endpoint }
}

fn connect(rig: &Rig) -> std::net::TcpStream {
    let stream = std::net::TcpStream::connect(rig.listener.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

fn ask(rig: &Rig, request: &str) -> String {
    let mut stream = connect(rig);
    write!(stream, "{request} HTTP/1.1\r\nhost: here\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_scrape_over_a_socket_is_answered_and_the_connection_closed() {
    let rig = rig();
    let answer = ask(&rig, "GET /metrics?x=1");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    assert!(head.contains("connection: close"), "{head}");
    assert!(body.contains("otel_prometheus_skipped_total 0\n"), "{body}");
}

#[test]
fn head_has_the_length_of_get_and_no_body() {
    let rig = rig();
    let length = |answer: &str| {
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let line = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        (line.to_owned(), body.len())
    };
    let (told, sent) = length(&ask(&rig, "GET /metrics"));
    assert_eq!(told, sent.to_string());
    assert_eq!(length(&ask(&rig, "HEAD /metrics/")), (told, 0));
}

#[test]
fn wrong_methods_and_paths_are_refused() {
    let rig = rig();
    let refused = ask(&rig, "POST /metrics");
    assert!(refused.starts_with("HTTP/1.1 405 "), "{refused}");
    assert!(refused.contains("allow: GET, HEAD\r\n"), "{refused}");
    assert!(ask(&rig, "GET /").starts_with("HTTP/1.1 404 "));
}

#[test]
fn a_closed_listener_refuses_and_its_port_is_free() {
    let mut rig = rig();
    let address = rig.listener.address();
    let idle = connect(&rig);
    rig.listener.stop();
    assert!(std::net::TcpStream::connect(address).is_err());
    TcpListener::bind(address).unwrap();
    drop(idle);
}

#[test]
fn silent_callers_do_not_keep_others_out() {
    let rig = rig();
    let started = Instant::now();
    let silent: Vec<_> = (0..MAX_CONNECTIONS + 8).map(|_| connect(&rig)).collect();
    assert!(ask(&rig, "GET /health").starts_with("HTTP/1.1 200 "));
    assert!(started.elapsed() < HEAD_TIMEOUT * 3, "{:?}", started.elapsed());
    drop(silent);
}

#[test]
fn what_is_no_http_is_no_harm() {
    let rig = rig();
    let mut stream = connect(&rig);
    stream.write_all(&[0xff; 4096]).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let _ = stream.read_to_end(&mut Vec::new());
    assert!(ask(&rig, "GET /health").starts_with("HTTP/1.1 200 "));
    assert_eq!(rig.endpoint.respond("GET", "/health", &HeaderMap::new()).status(), 200);
}
