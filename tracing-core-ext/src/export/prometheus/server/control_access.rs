use std::{fmt, net::SocketAddr};

use http::{HeaderMap, StatusCode, header};

use crate::base::{error::TelemetryError, redacted_url::is_loopback};

/// Shortest token, in characters.
const MIN_TOKEN: usize = 16;

/// Callers that may change settings of the running service over HTTP, for
/// [`Prometheus::control`](crate::prometheus::Prometheus::control).
#[derive(Clone)]
pub struct ControlAccess(Kind);

#[derive(Clone)]
enum Kind {
    Loopback,
    Token(String),
}

/// Reason for a refusal, and the status of its response.
pub(super) type Refusal = (StatusCode, &'static str);

impl ControlAccess {
    /// Accepts programs on the same machine: the peer of the connection and the `Host` of the request are loopback
    /// addresses or `localhost`, and there is no `Origin`, which browsers send. Anybody who may open a socket on this
    /// machine may change the settings.
    pub fn loopback() -> Self {
        Self(Kind::Loopback)
    }

    /// Accepts requests with `Authorization: Bearer <token>`, from any address. The token has at least 16 characters, all of
    /// them visible ASCII. The listener has no TLS.
    pub fn token(token: impl Into<String>) -> Self {
        Self(Kind::Token(token.into()))
    }

    /// # Errors
    ///
    /// If the token is too short or has other characters. The error omits it.
    pub(crate) fn check(&self) -> Result<(), TelemetryError> {
        match &self.0 {
            Kind::Token(token)
                if token.len() < MIN_TOKEN
                    || !token.bytes().all(|byte| byte.is_ascii_graphic()) =>
            {
                let expected = format!("a token of at least {MIN_TOKEN} visible ASCII characters");
                Err(TelemetryError::setting("ControlAccess::token()", "***", expected))
            }
            _ => Ok(()),
        }
    }

    /// Returns why a request is refused, if it is.
    pub(super) fn refusal(&self, peer: SocketAddr, headers: &HeaderMap) -> Option<Refusal> {
        match &self.0 {
            Kind::Loopback if !peer.ip().to_canonical().is_loopback() => {
                Some((StatusCode::FORBIDDEN, "only this machine may change settings"))
            }
            Kind::Loopback if !has_loopback_host(headers) => {
                Some((StatusCode::FORBIDDEN, "the Host of the request is not this machine"))
            }
            Kind::Loopback if headers.contains_key(header::ORIGIN) => {
                Some((StatusCode::FORBIDDEN, "pages may not change settings"))
            }
            Kind::Token(token) if !has_token(headers, token) => {
                Some((StatusCode::UNAUTHORIZED, "the token of the service is required"))
            }
            _ => None,
        }
    }
}

fn has_loopback_host(headers: &HeaderMap) -> bool {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("");
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    is_loopback(name)
}

fn has_token(headers: &HeaderMap, token: &str) -> bool {
    let field = headers.get(header::AUTHORIZATION).and_then(|field| field.to_str().ok());
    field
        .and_then(|field| field.strip_prefix("Bearer "))
        .is_some_and(|given| is_equal(given, token))
}

/// Compares in a time that does not depend on the position of a difference.
fn is_equal(given: &str, token: &str) -> bool {
    let differences = given.bytes().zip(token.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b));
    given.len() == token.len() && differences == 0
}

impl fmt::Debug for ControlAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Loopback => "ControlAccess::loopback()",
            Kind::Token(_) => "ControlAccess::token(***)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    fn refusal(access: &ControlAccess, peer: &str, fields: &[(&'static str, &str)]) -> Option<u16> {
        let headers = fields
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), value.parse().unwrap()));
        let refusal = access.refusal(peer.parse().unwrap(), &headers.collect());
        refusal.map(|(status, _)| status.as_u16())
    }

    #[test]
    fn only_programs_of_this_machine_have_access_by_loopback() {
        let access = ControlAccess::loopback();
        let refusal = |peer, fields: &[_]| refusal(&access, peer, fields);
        for host in ["localhost:9464", "127.0.0.1", "[::1]:9464", "LocalHost"] {
            assert_eq!(refusal("127.0.0.1:4000", &[("host", host)]), None, "{host}");
        }
        assert_eq!(refusal("[::1]:4000", &[("host", "[::1]")]), None);
        assert_eq!(refusal("[::ffff:127.0.0.1]:4000", &[("host", "localhost")]), None);
        assert_eq!(refusal("10.0.0.7:4000", &[("host", "localhost")]), Some(403));
        for host in ["rebound.example:9464", "10.0.0.7", "localhost.example", ""] {
            assert_eq!(refusal("127.0.0.1:4000", &[("host", host)]), Some(403), "{host}");
        }
        assert_eq!(refusal("127.0.0.1:4000", &[]), Some(403));
        let page = [("host", "localhost"), ("origin", "http://localhost")];
        assert_eq!(refusal("127.0.0.1:4000", &page), Some(403));
    }

    #[test]
    fn every_address_has_access_by_the_token_only() {
        let access = ControlAccess::token(TOKEN);
        let with = |field: &str| refusal(&access, "10.0.0.7:4000", &[("authorization", field)]);
        assert_eq!(with("Bearer 0123456789abcdef"), None);
        for field in ["Bearer 0123456789abcdeg", "Bearer 0123456789abcde", "Bearer ", TOKEN, ""] {
            assert_eq!(with(field), Some(401), "{field}");
        }
        assert_eq!(with("Bearer 0123456789abcdeff"), Some(401));
        assert_eq!(refusal(&access, "127.0.0.1:4000", &[("host", "localhost")]), Some(401));
    }

    #[test]
    fn a_weak_token_is_an_error_that_omits_it() {
        for token in ["", "0123456789abcde", "0123456789 abcdef", "0123456789äbcdef"] {
            let error = ControlAccess::token(token).check().unwrap_err().to_string();
            let expected = "expected a token of at least 16 visible ASCII characters";
            assert_eq!(error, format!("ControlAccess::token()=\"***\": {expected}"));
        }
        assert!(ControlAccess::token(TOKEN).check().is_ok());
        assert!(!format!("{:?}", ControlAccess::token(TOKEN)).contains(TOKEN));
    }
}
