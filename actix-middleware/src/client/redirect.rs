//! Detection of redirects that awc follows outside all middleware.
//!
//! awc sends the next request in the same poll in which it receives the response. The response is
//! therefore stored for the next request on the same thread.

use std::cell::Cell;

use actix_web::http::{
    Uri,
    header::{HeaderMap, LOCATION},
};
use awc::ClientResponse;

/// Target of a response that may be followed.
struct Redirect {
    target: Uri,
    resend_count: u32,
}

thread_local! {
    static LAST: Cell<Option<Redirect>> = const { Cell::new(None) };
}

/// Stores the target of a response to a request to `uri` that was sent `resend_count` times before.
pub(super) fn note(uri: &Uri, resend_count: u32, response: &ClientResponse) {
    let is_redirect = response.status().is_redirection();
    let target = is_redirect.then(|| target(uri, response.headers())).flatten();
    LAST.set(target.map(|target| Redirect { target, resend_count }));
}

/// Returns the number of times that the request was sent before, if it follows the last response.
pub(super) fn resend_count(uri: &Uri) -> Option<u32> {
    let last = LAST.take().filter(|last| last.target == *uri)?;
    Some(last.resend_count.saturating_add(1))
}

/// Returns the URI that awc derives from a location: an absolute one, or the path on the same
/// server.
fn target(uri: &Uri, headers: &HeaderMap) -> Option<Uri> {
    let location = headers.get(LOCATION)?.to_str().ok()?;
    if location.starts_with("//") {
        return format!("{}:{location}", uri.scheme_str()?).parse().ok();
    }
    let is_absolute = |uri: &Uri| uri.scheme().is_some() && uri.authority().is_some();
    let absolute = location.parse::<Uri>().ok().filter(is_absolute);
    if absolute.is_some() {
        return absolute;
    }
    let slash = if location.starts_with('/') { "" } else { "/" };
    format!("{}://{}{slash}{location}", uri.scheme_str()?, uri.authority()?).parse().ok()
}
