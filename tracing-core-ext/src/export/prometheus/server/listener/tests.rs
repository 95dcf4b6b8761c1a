use std::{
    io::{Read, Write},
    net::Shutdown,
    sync::{
        Mutex,
        mpsc::{Receiver, channel},
    },
    time::Instant,
};

use http::HeaderMap;
use opentelemetry_sdk::Resource;
use prometheus::{
    core::{Collector, Desc},
    proto::MetricFamily,
};

use super::*;
use crate::export::prometheus::registry::Registry;

struct Rig {
    endpoint: Endpoint,
    listener: Listener,
}

fn rig() -> Rig {
    rig_with(LIMITS, Registry::default())
}

fn rig_with(limits: Limits, registry: Registry) -> Rig {
    let resource = Resource::builder_empty().build();
    let endpoint = Endpoint::new(registry, Arc::default(), &resource, Vec::new());
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let routes = Routes { endpoint: endpoint.clone(), control: None };
    Rig { listener: Listener::start_with(limits, socket, routes).unwrap(), endpoint }
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
    let (declared, sent) = length(&ask(&rig, "GET /metrics"));
    assert_eq!(declared, sent.to_string());
    assert_eq!(length(&ask(&rig, "HEAD /metrics/")), (declared, 0));
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
    let rig = rig_with(Limits { head: Duration::from_millis(200), ..LIMITS }, Registry::default());
    let started = Instant::now();
    let silent: Vec<_> = (0..LIMITS.connections + 8).map(|_| connect(&rig)).collect();
    assert!(ask(&rig, "GET /health").starts_with("HTTP/1.1 200 "));
    assert!(started.elapsed() < LIMITS.head, "{:?}", started.elapsed());
    drop(silent);
}

/// Returns the first bytes of a response, or `None` if there is none yet.
fn read_now(stream: &mut std::net::TcpStream) -> Option<String> {
    stream.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut bytes = [0; 64];
    match stream.read(&mut bytes) {
        Ok(length) => Some(String::from_utf8_lossy(&bytes[..length]).into_owned()),
        Err(error) => {
            assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
            None
        }
    }
}

#[test]
fn a_connection_above_the_limit_waits_for_another_to_end() {
    let rig = rig();
    let mut open: Vec<_> = (0..LIMITS.connections).map(|_| connect(&rig)).collect();
    let mut next = connect(&rig);
    write!(next, "GET /health HTTP/1.1\r\nhost: here\r\n\r\n").unwrap();
    assert_eq!(read_now(&mut next), None);
    drop(open.pop());
    next.set_read_timeout(Some(LIMITS.head / 2)).unwrap();
    let mut answer = String::new();
    next.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// Blocks each scrape until the sender is dropped.
struct Hanging(Mutex<Receiver<()>>);

impl Collector for Hanging {
    fn desc(&self) -> Vec<&Desc> {
        Vec::new()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let _ = self.0.lock().unwrap().recv();
        Vec::new()
    }
}

#[test]
fn a_connection_ends_after_its_time() {
    let (release, released) = channel();
    let registry = Registry::default();
    registry.add(Arc::new(Hanging(Mutex::new(released))));
    let limits = Limits { connection: Duration::from_millis(200), ..LIMITS };
    let rig = rig_with(limits, registry);
    let started = Instant::now();
    assert_eq!(ask(&rig, "GET /metrics"), "");
    assert!((200..4_000).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
    drop(release);
}

/// Runs again in a child process with a low limit of open files.
#[cfg(target_os = "linux")]
#[test]
fn a_process_without_descriptors_serves_again_when_it_has_some() {
    const FEW: &str = "TEST_FEW_DESCRIPTORS";
    if std::env::var_os(FEW).is_none() {
        let test = std::env::current_exe().unwrap();
        let (_, module) = module_path!().split_once("::").unwrap();
        let name = format!("{module}::a_process_without_descriptors_serves_again_when_it_has_some");
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", "ulimit -n 64 && exec \"$0\" --exact \"$1\""]).arg(test).arg(name);
        let output = shell.env(FEW, "1").output().unwrap();
        assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}");
        return;
    }
    let rig = rig();
    let mut files = Vec::new();
    while let Ok(file) = std::fs::File::open("/dev/null") {
        files.push(file);
    }
    files.pop();
    // This stream takes the last descriptor, so the listener has none.
    let mut stream = connect(&rig);
    write!(stream, "GET /health HTTP/1.1\r\nhost: here\r\n\r\n").unwrap();
    assert_eq!(read_now(&mut stream), None);
    drop(files);
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
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
