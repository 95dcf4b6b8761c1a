//! Responses of OTLP over HTTP and gRPC, and of Jaeger's collector. The input is a status, lines of
//! fields and trailers, and a body behind an empty line.
#![no_main]

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use fuzz::{
    grammar::without_ows,
    headers::fields,
    reference::responses::{self, Expected},
};
use http::{HeaderMap, StatusCode};
use libfuzzer_sys::fuzz_target;
use tracing_core_ext::fuzzing::{Export, Received, jaeger_response, otlp_response, retry_after};

const NAMES: [&str; 8] = [
    "content-type",
    "retry-after",
    "date",
    "grpc-status",
    "grpc-message",
    "grpc-status-details-bin",
    "content-encoding",
    "x-other",
];

/// Longest text: a quoted message of 200 characters, and words around it.
const MAX_TEXT: usize = 320;

fuzz_target!(|data: &[u8]| {
    let (Some(status), Some(data)) = (data.first_chunk::<3>(), data.get(3..)) else { return };
    let Ok(status) = StatusCode::from_bytes(status) else { return };
    let Some((has_trailers, data)) = data.split_first() else { return };
    let end = data.windows(2).position(|bytes| bytes == b"\n\n");
    let (lines, body) = data.split_at(end.unwrap_or(data.len()));
    let fields = fields(lines, &NAMES);
    let (headers, trailers) = match has_trailers {
        b't' => (HeaderMap::new(), fields),
        _ => (fields, HeaderMap::new()),
    };
    let body = Bytes::copy_from_slice(body.get(2..).unwrap_or_default());
    let received = Received { status, headers, body, trailers };

    let parsed = otlp_response(received.clone(), false);
    check(&parsed, responses::otlp_http(status, &received.headers, &received.body), &received);
    let parsed = otlp_response(received.clone(), true);
    let expected =
        responses::otlp_grpc(status, &received.headers, &received.trailers, &received.body);
    check(&parsed, expected, &received);
    let parsed = jaeger_response(received.clone());
    check(&parsed, responses::http_failure(status).unwrap_or(Expected::Accepted(0)), &received);

    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    for value in received.headers.get_all("retry-after") {
        let seconds = responses::delay_seconds(without_ows(value.as_bytes()));
        if let Some(seconds) = seconds {
            let expected = Some(Duration::from_secs(seconds));
            assert_eq!(retry_after(value, now), expected, "{value:?}");
        } else if !value.as_bytes().contains(&b':') {
            assert_eq!(retry_after(value, now), None, "{value:?}");
        }
    }
});

fn check(parsed: &Export, expected: Expected, received: &Received) {
    let (found, texts) = match parsed {
        Export::Accepted { rejected, texts } => (Expected::Accepted(*rejected), texts.clone()),
        Export::Permanent(reason) => (Expected::Permanent, [Some(reason.clone()), None]),
        Export::TooLarge(reason) => (Expected::TooLarge, [Some(reason.clone()), None]),
        Export::Retryable(reason, _) => (Expected::Retryable, [Some(reason.clone()), None]),
    };
    assert_eq!(found, expected, "{received:?}");
    for text in texts.iter().flatten() {
        assert!(text.chars().count() <= MAX_TEXT, "{text:?}");
        assert!(!text.chars().any(is_unprintable), "{text:?}");
    }
}

/// Control characters, line ends, and characters that reorder or hide text.
fn is_unprintable(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
