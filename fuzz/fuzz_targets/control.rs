//! Requests to `/control/*`. The input is a digit for the caller, one for method and path, and the body.
#![no_main]

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use libfuzzer_sys::fuzz_target;
use tracing_core_ext::{fuzzing::ControlledService, prometheus::ControlAccess};

/// Peers and fields of callers, and whether they may change settings of [`ControlAccess::loopback`].
const CALLERS: [(&str, &str, Option<(&str, &str)>, bool); 8] = [
    ("127.0.0.1:4711", "localhost", None, true),
    ("[::1]:4711", "[::1]:9464", None, true),
    ("[::ffff:127.0.0.1]:4711", "127.0.0.1:9464", None, true),
    ("192.0.2.7:4711", "localhost", None, false),
    ("127.0.0.1:4711", "evil.example", None, false),
    ("127.0.0.1:4711", "localhost.evil.example:9464", None, false),
    ("127.0.0.1:4711", "localhost", Some(("origin", "http://localhost")), false),
    ("127.0.0.1:4711", "", None, false),
];

const METHODS: [Method; 5] = [Method::PUT, Method::GET, Method::DELETE, Method::HEAD, Method::POST];
const PATHS: [&str; 3] = ["/control/log-filter", "/control/sampling", "/control/other"];

/// Largest body that is read.
const MAX_BODY: usize = 16 << 10;

fuzz_target!(|data: &[u8]| {
    let [caller, target, body @ ..] = data else { return };
    let number = |byte: &u8| usize::from(byte.wrapping_sub(b'0'));
    let (peer, host, field, is_allowed) = CALLERS[number(caller) % CALLERS.len()];
    let method = &METHODS[number(target) % METHODS.len()];
    let path = PATHS[number(target) / METHODS.len() % PATHS.len()];

    let service = ControlledService::new(ControlAccess::loopback());
    let before = service.settings();
    let send = |method: &Method, body: Bytes| {
        let request = Request::builder().method(method).uri(path).header(header::HOST, host);
        let request =
            field.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        service.respond(peer.parse().expect("an address"), request.body(body).expect("a request"))
    };
    let body = Bytes::copy_from_slice(body);
    let response = send(method, body.clone());
    let status = response.status();
    if *method == Method::HEAD {
        assert!(response.body().is_empty());
    } else if path != "/control/other" && status != StatusCode::METHOD_NOT_ALLOWED {
        let json = serde_json::from_slice::<serde_json::Value>(response.body());
        assert!(json.is_ok(), "{response:?}");
    }
    let after = service.settings();
    let is_change = matches!(*method, Method::PUT | Method::DELETE) && path != "/control/other";
    assert_eq!(status == StatusCode::FORBIDDEN, !is_allowed, "{status}");
    assert!((is_change && status == StatusCode::OK) || before == after, "{status}");
    assert!(body.len() <= MAX_BODY || !is_change || *method != Method::PUT || status != 200);
    assert!(!status.is_server_error(), "{status}");

    // The filter that a service reports is one that it accepts, and means the same.
    if status == StatusCode::OK && is_change && path == PATHS[0] {
        let sent = serde_json::json!({ "filter": after[0] }).to_string();
        assert_eq!(send(&Method::PUT, sent.into()).status(), StatusCode::OK, "{after:?}");
        assert_eq!(service.settings(), after);
        send(&Method::DELETE, Bytes::new());
        assert_eq!(service.settings(), before);
    }
});
