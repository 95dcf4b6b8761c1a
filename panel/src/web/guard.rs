//! Access to the panel, and headers of its responses.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Redirect, Response},
};

use super::frame::place_of;

const COOKIE: &str = "panel_token";
const GRPC: &str = "application/grpc";
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'self'; frame-ancestors 'none'";

/// Access condition.
#[derive(Clone, Debug)]
pub enum Access {
    /// Requests whose `Host` is a name of this machine. A page of another site whose name resolves
    /// to this machine (DNS rebinding) has another `Host`.
    Loopback,
    /// Requests with this token, in the query `?token=`, in the cookie, or as a bearer token.
    Token(Arc<str>),
    /// No requests: a token is required, and the operating system has no random numbers for it.
    Closed,
}

impl Access {
    /// Returns access with a token of 128 random bits.
    ///
    /// # Errors
    ///
    /// If the operating system has no random numbers.
    pub fn with_random_token() -> Result<Self, getrandom::Error> {
        let token = (u128::from(getrandom::u64()?) << 64) | u128::from(getrandom::u64()?);
        Ok(Self::Token(format!("{token:032x}").into()))
    }

    /// Returns the token, if one is required.
    pub fn token(&self) -> Option<&str> {
        match self {
            Self::Loopback | Self::Closed => None,
            Self::Token(token) => Some(token),
        }
    }
}

pub(super) async fn guard(State(access): State<Access>, request: Request, next: Next) -> Response {
    let mut response = match refuse(&access, &request) {
        Some(response) => response,
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Returns the routes with a check for this token, for programs.
pub(crate) fn require_token(routes: Router, token: Arc<str>) -> Router {
    routes.layer(from_fn_with_state(token, check_token))
}

async fn check_token(State(token): State<Arc<str>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if bearer(headers).is_some_and(|given| is_equal(given, &token)) {
        return next.run(request).await;
    }
    let content_type = text(headers, header::CONTENT_TYPE).unwrap_or("");
    match content_type.starts_with(GRPC) {
        true => unauthenticated(),
        false => (StatusCode::UNAUTHORIZED, "the token is missing or wrong").into_response(),
    }
}

/// Returns a gRPC response without a message: the status `UNAUTHENTICATED` is a header.
fn unauthenticated() -> Response {
    let headers = [
        ("content-type", GRPC),
        ("grpc-status", "16"),
        ("grpc-message", "the token is missing or wrong"),
    ];
    headers.into_response()
}

fn refuse(access: &Access, request: &Request) -> Option<Response> {
    let headers = request.headers();
    let refusal =
        |status: StatusCode, message: &'static str| Some((status, message).into_response());
    match access {
        Access::Loopback if !has_loopback_host(request) => {
            return refusal(StatusCode::FORBIDDEN, "the Host of the request is not this machine");
        }
        Access::Token(token) if !has_token(headers, token) => {
            return match token_in_query(request) {
                Some(given) if is_equal(given, token) => Some(set_cookie(request, token)),
                _ => refusal(
                    StatusCode::UNAUTHORIZED,
                    "open the address with the token that the panel printed",
                ),
            };
        }
        Access::Closed => {
            return refusal(StatusCode::SERVICE_UNAVAILABLE, "the system has no random numbers");
        }
        _ => {}
    }
    let changes_state = !matches!(*request.method(), Method::GET | Method::HEAD);
    if changes_state && !has_own_origin(headers) {
        return refusal(StatusCode::FORBIDDEN, "the request comes from a page of another site");
    }
    None
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn has_loopback_host(request: &Request) -> bool {
    let host = request.uri().authority().map(|authority| authority.as_str());
    host.or_else(|| text(request.headers(), header::HOST)).is_some_and(is_loopback)
}

/// Whether the host, with or without a port, is a name of this machine that requires no name
/// resolution.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(""),
        None => host.split(':').next().unwrap_or(""),
    };
    let is_address = name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    is_address || name.eq_ignore_ascii_case("localhost")
}

/// Whether the origin is the panel itself. Browsers send the origin with each POST, and programs
/// send none.
fn has_own_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Some(host) = text(headers, header::HOST) else { return false };
    let origin = origin.to_str().unwrap_or("");
    origin.split_once("://").is_some_and(|(_, authority)| authority == host)
}

fn has_token(headers: &HeaderMap, token: &str) -> bool {
    let cookies = text(headers, header::COOKIE).unwrap_or("").split(';');
    let mut cookies =
        cookies.filter_map(|cookie| cookie.trim().strip_prefix(COOKIE)?.strip_prefix('='));
    bearer(headers).is_some_and(|given| is_equal(given, token))
        || cookies.any(|given| is_equal(given, token))
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    text(headers, header::AUTHORIZATION)?.strip_prefix("Bearer ")
}

fn token_in_query(request: &Request) -> Option<&str> {
    request.uri().query()?.split('&').find_map(|pair| pair.strip_prefix("token="))
}

/// Compares in constant time, regardless of the position of a difference.
fn is_equal(given: &str, token: &str) -> bool {
    let differences = given.bytes().zip(token.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
    given.len() == token.len() && differences == 0
}

fn set_cookie(request: &Request, token: &str) -> Response {
    let place = place_of(request.extensions(), request.uri());
    let path = place.address.split('?').next().unwrap_or("/");
    let cookie = format!("{COOKIE}={token}; Path={}/; HttpOnly; SameSite=Strict", place.prefix);
    ([(header::SET_COOKIE, cookie)], Redirect::to(path)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for host in ["localhost", "LOCALHOST:4380", "127.0.0.1:4380", "127.9.9.9", "[::1]:4380"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", "evil.example", "localhost.evil.example", "10.0.0.1", "[::2]", "0.0.0.0"] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn tokens_are_random_and_compared_whole() {
        let tokens = [(); 2].map(|()| Access::with_random_token().unwrap());
        let [a, b] = tokens.each_ref().map(|access| access.token().unwrap());
        assert!(a != b && a.len() == 32);
        assert!(is_equal(a, a) && !is_equal(a, b) && !is_equal(&a[..31], a) && !is_equal("", a));
    }
}
