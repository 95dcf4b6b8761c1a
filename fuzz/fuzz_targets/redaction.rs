//! No secret of a URL is recorded or logged. The input describes URLs that contain a secret only as
//! user, as password, or as the value of a sensitive key.
#![no_main]

use arbitrary::Arbitrary;
use fuzz::secrets::{is_leaked, secret};
use http::Uri;
use libfuzzer_sys::fuzz_target;
use tracing_core_ext::fuzzing::{logged_setting, recorded_message, recorded_query, recorded_url};
use url::Url;

/// Sensitive keys of the conventions, and two that a service adds.
const KEYS: [&str; 9] = [
    "AWSAccessKeyId",
    "Signature",
    "sig",
    "X-Goog-Signature",
    "X-Amz-Signature",
    "X-Amz-Credential",
    "X-Amz-Security-Token",
    "token",
    "api key",
];

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    scheme: &'a str,
    user: Option<&'a str>,
    password: Option<(u8, &'a str)>,
    rest: &'a str,
    pairs: Vec<Pair<'a>>,
    fragment: Option<&'a str>,
    text: [&'a str; 2],
}

#[derive(Arbitrary, Debug)]
struct Pair<'a> {
    before: &'a str,
    key: u8,
    /// Bits of the characters of the key that are percent-encoded.
    encoded: u32,
    form: u8,
    inner: &'a str,
}

fuzz_target!(|input: Input<'_>| {
    let before = input.pairs.iter().map(|pair| pair.before);
    let texts = [Some(input.scheme), input.user, Some(input.rest), input.fragment];
    if texts.into_iter().flatten().chain(input.text).chain(before).any(is_leaked) {
        return;
    }
    // These stand side by side in a setting.
    if is_leaked(&format!("{}{}", input.scheme, input.rest)) {
        return;
    }
    let more: Vec<Box<str>> = vec!["token".into(), "api key".into()];
    let query: Vec<String> = input.pairs.iter().map(Pair::text).collect();
    let query = query.join("&");
    if !query.contains('#') && input.pairs.iter().all(Pair::is_one) {
        let recorded = recorded_query(&query, &more);
        assert!(!is_leaked(&recorded), "{query:?}: {recorded:?}");
    }

    let scheme = ["http", "https", "HTTP", "ftp"][input.scheme.len() % 4];
    let user = match (input.user, input.password) {
        (None, None) => String::new(),
        (user, None) => format!("{}@", secret(0, user.unwrap_or(""))),
        (user, Some((form, inner))) => format!("{}:{}@", user.unwrap_or(""), secret(form, inner)),
    };
    let fragment = input.fragment.map_or(String::new(), |fragment| format!("#{fragment}"));
    let question = if query.is_empty() { "" } else { "?" };
    let written = format!("{scheme}://{user}{}{question}{query}{fragment}", input.rest);

    // As clients record and log what the parser of URLs accepts.
    if let Ok(url) = Url::parse(&written)
        && !has_visible_secret(&url)
    {
        check(url.as_str(), &more, input.text);
    }
    if let Ok(uri) = written.parse::<Uri>()
        // A `Url` has no dot segments.
        && !is_leaked(uri.path())
        && let Ok(url) = Url::parse(&uri.to_string())
        && !has_visible_secret(&url)
    {
        check(&uri.to_string(), &more, input.text);
    }
    // As errors about settings show what was set, valid or not.
    if !user.is_empty() || !query.is_empty() {
        let set = format!("{}{user}{}{question}{query}", input.scheme, input.rest);
        let logged = logged_setting(&set);
        let may_be_path = user.is_empty() && set.find(['#', '@']).is_some();
        // Text before the first `://` is shown as the scheme.
        let is_scheme = set.split_once("://").is_some_and(|(scheme, _)| is_leaked(scheme));
        assert!(may_be_path || is_scheme || !is_leaked(&logged), "{set:?}: {logged:?}");
    }
});

fn check(url: &str, more: &[Box<str>], [before, after]: [&str; 2]) {
    let recorded = recorded_url(url, more);
    assert!(!is_leaked(&recorded), "{url:?}: {recorded:?}");
    let logged = logged_setting(url);
    assert!(!is_leaked(&logged), "{url:?}: {logged:?}");
    for message in [format!("failed for url ({url})"), format!("{before} {url} {after}")] {
        let recorded = recorded_message(&message, more);
        assert!(!is_leaked(&recorded), "{message:?}: {recorded:?}");
    }
}

impl Pair<'_> {
    fn text(&self) -> String {
        let key = KEYS[usize::from(self.key) % KEYS.len()];
        let encode = |(at, byte): (usize, u8)| match byte {
            b' ' if self.encoded >> at & 1 == 0 => "+".to_owned(),
            byte if self.encoded >> at & 1 == 1 || byte == b' ' => format!("%{byte:02x}"),
            byte => char::from(byte).to_string(),
        };
        let key: String = key.bytes().enumerate().map(encode).collect();
        format!("{}&{key}={}", self.before, secret(self.form, self.inner))
    }

    /// Whether the secret is one value, without a delimiter in its middle.
    fn is_one(&self) -> bool {
        !self.inner.contains(['&', '#'])
    }
}

/// Whether the secret is in a part that is not secret.
fn has_visible_secret(url: &Url) -> bool {
    let is_sensitive = |key: &str| KEYS.contains(&key);
    let mut pairs = url.query_pairs().filter(|(key, _)| !is_sensitive(key));
    pairs.any(|(key, value)| is_leaked(&key) || is_leaked(&value))
        || [Some(url.path()), url.host_str(), url.fragment(), Some(url.scheme())]
            .into_iter()
            .flatten()
            .any(is_leaked)
}
