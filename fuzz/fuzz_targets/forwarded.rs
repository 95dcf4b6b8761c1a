//! `Forwarded` and `X-Forwarded-*`: each line of the input is a digit, which selects a field, and a
//! value; the first digit also selects the peer.
#![no_main]

use std::net::SocketAddr;

use fuzz::{
    headers::{fields, values},
    reference::forwarded::{Forwarded, TRUSTED, forwarded, x_forwarded},
};
use libfuzzer_sys::fuzz_target;
use tracing_core_ext::{fuzzing, http::TrustedProxies};

const NAMES: [&str; 5] =
    ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port"];

fuzz_target!(|data: &[u8]| {
    let Some((first, lines)) = data.split_first() else { return };
    let peers = ["10.0.0.1:4711", "[fd00::1]:4711", "203.0.113.9:4711", "[::ffff:10.0.0.1]:4711"];
    let peer: SocketAddr =
        peers[usize::from(first.wrapping_sub(b'0')) % 4].parse().expect("an address");
    let headers = fields(lines, &NAMES);
    let canonical = (peer.ip().to_canonical(), Some(peer.port()));
    let lines = NAMES.map(|name| values(&headers, name));

    let proxies = TrustedProxies::forwarded(TRUSTED).expect("networks");
    let read = fuzzing::forwarded(&proxies, &headers, peer);
    assert_eq!(converted(read), forwarded(&lines[0], canonical), "{headers:?}");

    let proxies = TrustedProxies::x_forwarded(TRUSTED).expect("networks");
    let read = fuzzing::forwarded(&proxies, &headers, peer);
    let fields = [&lines[1][..], &lines[2][..], &lines[3][..], &lines[4][..]];
    assert_eq!(converted(read), x_forwarded(fields, canonical), "{headers:?}");
});

fn converted(read: fuzzing::Forwarded) -> Forwarded {
    let fuzzing::Forwarded { client, scheme, authority, port } = read;
    Forwarded { client, scheme, authority, port }
}
