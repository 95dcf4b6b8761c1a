/// Without user and query: both may be secret.
pub(super) fn redact(url: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    let (authority, rest) = (&url[start..end], &url[end..]);
    let (user, host) = match authority.rfind('@') {
        Some(at) => ("***", &authority[at..]),
        None => ("", authority),
    };
    let (path, query) = match rest.find('?') {
        Some(at) => (&rest[..at], "?***"),
        None => (rest, ""),
    };
    format!("{}{user}{host}{path}{query}", &url[..start])
}

#[cfg(any(feature = "otlp", feature = "jaeger"))]
pub(super) fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
