use std::{
    cell::Cell,
    future::poll_fn,
    pin::pin,
    time::{Duration, Instant},
};

use http::{
    HeaderName, Method, StatusCode,
    header::{
        AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, LOCATION,
        PROXY_AUTHORIZATION, TRANSFER_ENCODING, WWW_AUTHENTICATE,
    },
};
use opentelemetry::Context;
use reqwest::{Client, Request, Response, Url, redirect::Policy};

use super::send::{RequestOptions, send};
use crate::exchange::Instrumentation;

/// Default limit of reqwest.
pub(super) const MAX_REDIRECTS: usize = 10;

/// Fields that must not be sent to another origin, as in reqwest.
static CREDENTIALS: [HeaderName; 5] = [
    AUTHORIZATION,
    COOKIE,
    HeaderName::from_static("cookie2"),
    PROXY_AUTHORIZATION,
    WWW_AUTHENTICATE,
];

static BODY_HEADERS: [HeaderName; 4] =
    [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING, TRANSFER_ENCODING];

thread_local! {
    /// Whether the request that is being polled may be redirected.
    static MAY_REDIRECT: Cell<bool> = const { Cell::new(true) };
}

/// Creates the policy of a client whose redirects [`follow`] follows, up to `max`.
///
/// The policy ends a chain that is too long, because only reqwest can construct its errors. A URL of another scheme
/// than HTTP is left to reqwest, which rejects it.
pub(super) fn policy(max: usize) -> Policy {
    if max == 0 {
        return Policy::none();
    }
    Policy::custom(|attempt| match (MAY_REDIRECT.get(), is_http(attempt.url())) {
        (false, _) => attempt.error("too many redirects"),
        (true, true) => attempt.stop(),
        (true, false) => attempt.follow(),
    })
}

fn is_http(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
}

/// Limits of a chain of redirects.
#[derive(Clone, Copy, Debug)]
pub(super) struct RedirectLimits {
    /// Number of redirects that are followed.
    pub(super) max: usize,
    /// Time limit of the client, for requests that have none.
    pub(super) timeout: Option<Duration>,
}

/// Sends `request` and follows redirects, each as a separate exchange.
pub(super) async fn follow(
    client: Client,
    instrumentation: Instrumentation,
    parent: Context,
    mut options: RequestOptions,
    mut request: Request,
    limits: RedirectLimits,
) -> reqwest::Result<Response> {
    let timeout = request.timeout().copied().or(limits.timeout);
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let mut left = limits.max;
    loop {
        let kept = ReplayableRequest::from_request(&mut request).filter(|_| left > 0);
        let execute = |request| execute(&client, request, left > 0);
        let response = send(&instrumentation, &parent, &options, request, execute).await?;
        let next = kept.and_then(|kept| kept.redirected(&response.response));
        let Some(next) = next else {
            return Ok(response.into_response());
        };
        response.end();
        request = next;
        left -= 1;
        options =
            RequestOptions { template: None, resend_count: options.resend_count.next(), ..options };
        if let Some(deadline) = deadline {
            *request.timeout_mut() = Some(deadline.saturating_duration_since(Instant::now()));
        }
    }
}

async fn execute(
    client: &Client,
    request: Request,
    may_redirect: bool,
) -> reqwest::Result<Response> {
    let mut sending = pin!(client.execute(request));
    poll_fn(|cx| {
        MAY_REDIRECT.set(may_redirect);
        sending.as_mut().poll(cx)
    })
    .await
}

/// Copy of a request that may be sent again to the target of a redirect.
struct ReplayableRequest {
    request: Request,
    /// Whether the copy lacks the body, because a streamed body cannot be sent twice.
    has_lost_body: bool,
}

impl ReplayableRequest {
    fn from_request(request: &mut Request) -> Option<Self> {
        if let Some(request) = request.try_clone() {
            return Some(Self { request, has_lost_body: false });
        }
        let body = request.body_mut().take();
        let copy = request.try_clone();
        *request.body_mut() = body;
        copy.map(|request| Self { request, has_lost_body: true })
    }

    /// Returns the request that `response` redirects to. It is `None` if `response` is no redirect, or if the request
    /// cannot be made.
    ///
    /// RFC 9110, section 15.4: a request whose method has changed has no body.
    fn redirected(self, response: &Response) -> Option<Request> {
        let Self { mut request, has_lost_body } = self;
        let (method, keeps_body) = next_method(response.status(), request.method())?;
        let url = next_url(request.url(), response)?;
        if keeps_body && has_lost_body {
            return None;
        }
        if !keeps_body {
            *request.body_mut() = None;
            remove(&mut request, &BODY_HEADERS);
        }
        if url.origin() != request.url().origin() {
            remove(&mut request, &CREDENTIALS);
        }
        *request.method_mut() = method;
        *request.url_mut() = url;
        Some(request)
    }
}

/// Returns the method of the redirected request, and whether the body is sent again.
fn next_method(status: StatusCode, method: &Method) -> Option<(Method, bool)> {
    match status {
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND if method == Method::POST => {
            Some((Method::GET, false))
        }
        StatusCode::SEE_OTHER if method == Method::HEAD => Some((Method::HEAD, false)),
        StatusCode::SEE_OTHER => Some((Method::GET, false)),
        StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => Some((method.clone(), true)),
        _ => None,
    }
}

fn next_url(url: &Url, response: &Response) -> Option<Url> {
    let location = response.headers().get(LOCATION)?;
    let next = url.join(str::from_utf8(location.as_bytes()).ok()?).ok()?;
    is_http(&next).then_some(next)
}

fn remove(request: &mut Request, names: &[HeaderName]) {
    for name in names {
        request.headers_mut().remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, location: &str) -> Response {
        let response = http::Response::builder().status(status).header(LOCATION, location);
        response.body("").unwrap().into()
    }

    fn request(method: Method) -> Request {
        let url = "http://shop.example/items/7?page=2".parse().unwrap();
        let mut request = Request::new(method, url);
        *request.body_mut() = Some("body".into());
        for name in BODY_HEADERS.iter().chain(&CREDENTIALS) {
            request.headers_mut().insert(name, "value".parse().unwrap());
        }
        request
    }

    fn redirected(method: Method, status: u16, location: &str) -> Option<Request> {
        ReplayableRequest::from_request(&mut request(method))
            .unwrap()
            .redirected(&response(status, location))
    }

    #[test]
    fn the_status_tells_method_and_body() {
        for (method, status, next, keeps_body) in [
            (Method::POST, 301, Method::GET, false),
            (Method::POST, 302, Method::GET, false),
            (Method::PUT, 302, Method::PUT, true),
            (Method::PUT, 303, Method::GET, false),
            (Method::HEAD, 303, Method::HEAD, false),
            (Method::POST, 307, Method::POST, true),
            (Method::DELETE, 308, Method::DELETE, true),
        ] {
            let redirected = redirected(method, status, "/").unwrap();
            assert_eq!(*redirected.method(), next);
            assert_eq!(redirected.body().is_some(), keeps_body);
            for name in &BODY_HEADERS {
                assert_eq!(redirected.headers().contains_key(name), keeps_body);
            }
        }
    }

    #[test]
    fn what_is_no_redirect_is_not_followed() {
        for status in [200, 201, 300, 304, 305, 404] {
            assert!(redirected(Method::GET, status, "/").is_none());
        }
        assert!(redirected(Method::GET, 302, "http://").is_none());
        assert!(redirected(Method::GET, 302, "mailto:joe@shop.example").is_none());
    }

    #[test]
    fn a_location_is_relative_to_the_url() {
        for (location, url) in [
            ("8", "http://shop.example/items/8"),
            ("/", "http://shop.example/"),
            ("?page=3", "http://shop.example/items/7?page=3"),
            ("//other.example/é", "http://other.example/%C3%A9"),
        ] {
            assert_eq!(redirected(Method::GET, 302, location).unwrap().url().as_str(), url);
        }
    }

    #[test]
    fn credentials_stay_with_their_origin() {
        for (location, stay) in [
            ("http://shop.example:80/", true),
            ("https://shop.example/", false),
            ("http://shop.example:8080/", false),
            ("http://other.example/", false),
        ] {
            let redirected = redirected(Method::GET, 302, location).unwrap();
            for name in &CREDENTIALS {
                assert_eq!(redirected.headers().contains_key(name), stay, "{name} {location}");
            }
        }
    }
}
