use std::fmt;

use http::Uri;

use crate::base::{
    error::TelemetryError,
    redacted_url::{is_loopback, redact},
};

const WITHOUT_CREDENTIALS: &str =
    "a URL without credentials, because they are sent as a header: set OTEL_EXPORTER_OTLP_HEADERS";

/// Endpoint of a signal: an absolute http or https URL with its path.
#[derive(Clone, PartialEq)]
pub(crate) struct Endpoint {
    setting: &'static str,
    value: String,
    /// URL as it was set, without the path that is appended for a signal.
    base: Uri,
    url: String,
    https: bool,
    loopback: bool,
}

impl Endpoint {
    /// Parses the base URL of a collector, and appends the path of the signal.
    ///
    /// OTLP exporter specification, "Endpoint URLs for OTLP/HTTP".
    pub(super) fn for_collector(
        setting: &'static str,
        value: &str,
        path: &str,
    ) -> Result<Self, TelemetryError> {
        let base = Self::verbatim(setting, value)?;
        if base.url.contains('?') {
            return Err(TelemetryError::setting(
                setting,
                redact(value),
                format!("a URL without a query, because {path} is appended to it"),
            ));
        }
        Ok(Self { url: format!("{}{path}", base.url.trim_end_matches('/')), ..base })
    }

    /// Parses a URL that is used unchanged, except that an absent path becomes `/`.
    pub(super) fn verbatim(setting: &'static str, value: &str) -> Result<Self, TelemetryError> {
        let refused = || {
            TelemetryError::setting(
                setting,
                redact(value),
                "an absolute http:// or https:// URL such as http://localhost:4318",
            )
        };
        let uri: Uri = value.parse().map_err(|_| refused())?;
        let https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(refused()),
        };
        let host = uri.host().filter(|host| !host.is_empty());
        let host = host.ok_or_else(refused)?;
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        if authority.contains('@') {
            return Err(TelemetryError::setting(setting, redact(value), WITHOUT_CREDENTIALS));
        }
        if !has_good_port(authority, host) {
            return Err(refused());
        }
        Ok(Self {
            setting,
            value: redact(value),
            url: uri.to_string(),
            https,
            loopback: is_loopback(host),
            base: uri,
        })
    }
}

impl Endpoint {
    pub(super) fn setting(&self) -> &'static str {
        self.setting
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Returns an error for the setting of this endpoint.
    pub(super) fn refused(&self, expected: &'static str) -> TelemetryError {
        TelemetryError::setting(self.setting, &*self.value, expected)
    }

    /// Removes an empty path, because the client appends the method of a service.
    pub(super) fn over_grpc(self) -> Result<Self, TelemetryError> {
        if self.base.path() != "/" || self.base.query().is_some() {
            return Err(self.refused("a URL without a path, because gRPC sets the path"));
        }
        let authority = self.base.authority().map_or("", |authority| authority.as_str());
        let scheme = self.base.scheme_str().unwrap_or("http");
        Ok(Self { url: format!("{scheme}://{authority}"), ..self })
    }

    /// Returns what is probably wrong, although it may be right.
    pub(super) fn suspicions(
        &self,
        is_grpc: bool,
        path: &str,
    ) -> impl Iterator<Item = TelemetryError> {
        let port = self.port_suspicion(is_grpc).map(str::to_owned);
        let path = (!is_grpc).then(|| self.path_suspicion(path)).flatten();
        let found = port.into_iter().chain(path);
        found.map(|expected| TelemetryError::setting(self.setting, &*self.value, expected))
    }

    /// Returns the right port if the port is known for another protocol.
    fn port_suspicion(&self, is_grpc: bool) -> Option<&'static str> {
        Some(match (self.base.port_u16(), is_grpc) {
            (Some(4317), false) => {
                "port 4318, where collectors accept OTLP over HTTP, or OTEL_EXPORTER_OTLP_PROTOCOL=grpc for port 4317"
            }
            (Some(4318), true) => {
                "port 4317, where collectors accept OTLP over gRPC, or OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf for \
                 port 4318"
            }
            (Some(6831 | 6832), _) => {
                "port 4318, where Jaeger accepts OTLP over HTTP, or 4317 for gRPC: this one is the agent's port for UDP"
            }
            (Some(14250 | 14268), _) => {
                "port 4318, where Jaeger accepts OTLP over HTTP, or 4317 for gRPC: this one accepts Jaeger's own format"
            }
            (Some(16686), _) => {
                "port 4318, where Jaeger accepts OTLP over HTTP, or 4317 for gRPC: this one shows traces in a browser"
            }
            _ => return None,
        })
    }

    /// Returns a suspicion about the path: that of the signal is appended to the URL of a
    /// collector, and not to the URL of a signal.
    fn path_suspicion(&self, path: &str) -> Option<String> {
        let url = self.url.split('?').next().unwrap_or(&self.url).trim_end_matches('/');
        if url.ends_with(&format!("{path}{path}")) {
            return Some(format!("a URL without {path}, which is appended to it"));
        }
        let has_path = self.base.path() != "/";
        (!url.ends_with(path) && !has_path)
            .then(|| format!("a URL with its path, such as {}", redact(&format!("{url}{path}"))))
    }

    pub(super) fn is_https(&self) -> bool {
        self.https
    }

    pub(super) fn is_loopback(&self) -> bool {
        self.loopback
    }
}

/// Prints the URL without its query, which may contain credentials.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact(&self.url))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

/// [`Uri`] treats an invalid port as absent.
fn has_good_port(authority: &str, host: &str) -> bool {
    let port = authority.strip_prefix(host).unwrap_or(authority);
    let number = port.strip_prefix(':').map(str::parse::<u16>);
    port.is_empty() || number.is_some_and(|number| number.is_ok_and(|number| number > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTING: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

    fn for_collector(value: &str) -> Endpoint {
        Endpoint::for_collector(SETTING, value, "/v1/traces").unwrap()
    }

    #[test]
    fn the_traces_path_is_appended_to_the_url_of_a_collector() {
        for (value, url) in [
            ("http://localhost:4318", "http://localhost:4318/v1/traces"),
            ("http://localhost:4318/", "http://localhost:4318/v1/traces"),
            ("https://a.example/otlp", "https://a.example/otlp/v1/traces"),
        ] {
            assert_eq!(for_collector(value).url(), url);
        }
    }

    #[test]
    fn the_url_for_traces_is_used_verbatim() {
        let endpoint = Endpoint::verbatim(SETTING, "http://a.example:1/x?tenant=7").unwrap();
        assert_eq!(endpoint.url(), "http://a.example:1/x?tenant=7");
    }

    #[test]
    fn an_endpoint_that_is_not_an_absolute_http_url_is_refused_with_an_example() {
        for value in [
            "localhost:4318",
            "localhost",
            "/v1/traces",
            "grpc://localhost:4317",
            "http://",
            "http://:4318",
            "http://localhost:0",
            "http://localhost:99999",
            "http://local host",
            "ftp://a@b",
        ] {
            let error = Endpoint::verbatim(SETTING, value).unwrap_err().to_string();
            let (start, end) = error.split_once(": expected ").unwrap();
            assert!(start.starts_with("OTEL_EXPORTER_OTLP_ENDPOINT=\""), "{error}");
            assert_eq!(end, "an absolute http:// or https:// URL such as http://localhost:4318");
        }
    }

    #[test]
    fn a_collector_with_a_query_is_refused() {
        let error =
            Endpoint::for_collector(SETTING, "http://a.example/?x=1", "/v1/traces").unwrap_err();
        assert_eq!(
            error.to_string(),
            "OTEL_EXPORTER_OTLP_ENDPOINT=\"http://a.example/?***\": expected a URL without a query, \
             because /v1/traces is appended to it"
        );
    }

    #[test]
    fn credentials_before_the_host_are_refused_with_the_variable_for_headers() {
        for (value, shown) in [
            ("http://me:secret@a.example", "http://***@a.example"),
            ("https://secret@a.example:1/x?key=secret", "https://***@a.example:1/x?***"),
        ] {
            let error = Endpoint::verbatim(SETTING, value).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "OTEL_EXPORTER_OTLP_ENDPOINT={shown:?}: expected a URL without credentials, \
                     because they are sent as a header: set OTEL_EXPORTER_OTLP_HEADERS"
                )
            );
        }
        let error = Endpoint::verbatim(SETTING, "ftp://me:secret@a.example").unwrap_err();
        assert!(!error.to_string().contains("secret"));
    }

    #[test]
    fn the_query_is_never_shown() {
        let endpoint = Endpoint::verbatim(SETTING, "http://a.example/x?key=secret").unwrap();
        assert_eq!(endpoint.to_string(), "http://a.example/x?***");
        assert!(!format!("{endpoint:?}").contains("secret"));
        assert_eq!(endpoint.url(), "http://a.example/x?key=secret");
    }

    #[test]
    fn an_endpoint_for_grpc_has_no_path() {
        for value in ["http://localhost:4317", "http://localhost:4317/"] {
            let endpoint = for_collector(value).over_grpc().unwrap();
            assert_eq!(endpoint.url(), "http://localhost:4317");
            assert_eq!(endpoint.to_string(), endpoint.url());
        }
        for value in ["https://a.example/otlp", "https://a.example/?key=secret"] {
            let endpoint = Endpoint::verbatim(SETTING, value).unwrap();
            let error = endpoint.over_grpc().unwrap_err().to_string();
            let end = ": expected a URL without a path, because gRPC sets the path";
            assert!(error.ends_with(end) && !error.contains("secret"), "{error}");
        }
    }

    fn suspicions(endpoint: &Endpoint, is_grpc: bool) -> Vec<String> {
        endpoint.suspicions(is_grpc, "/v1/traces").map(|error| error.to_string()).collect()
    }

    #[test]
    fn a_port_that_is_known_for_another_protocol_is_suspicious() {
        for (port, is_grpc, right) in [
            (4317, false, "4318"),
            (4318, true, "4317"),
            (6831, false, "4318"),
            (6832, true, "4317"),
            (14250, true, "4317"),
            (14268, false, "4318"),
            (16686, false, "4318"),
        ] {
            let endpoint = for_collector(&format!("http://jaeger:{port}"));
            let found = suspicions(&endpoint, is_grpc);
            let [error] = &found[..] else { panic!("{found:?}") };
            let (start, expected) = error.split_once(": expected ").unwrap();
            assert_eq!(start, format!("OTEL_EXPORTER_OTLP_ENDPOINT=\"http://jaeger:{port}\""));
            assert!(expected.contains(right), "{error}");
        }
        for (port, is_grpc) in [(4317, true), (4318, false), (443, true), (9090, false)] {
            let endpoint = for_collector(&format!("http://collector:{port}"));
            assert_eq!(suspicions(&endpoint, is_grpc), [""; 0]);
        }
    }

    #[test]
    fn a_missing_or_duplicate_path_is_suspicious() {
        let url = "http://localhost:4318";
        for (endpoint, expected) in [
            (
                for_collector("http://localhost:4318/v1/traces/"),
                "a URL without /v1/traces, which is appended to it",
            ),
            (
                Endpoint::verbatim(SETTING, "http://localhost:4318/").unwrap(),
                "a URL with its path, such as http://localhost:4318/v1/traces",
            ),
        ] {
            let found = suspicions(&endpoint, false);
            let [error] = &found[..] else { panic!("{found:?}") };
            assert!(error.ends_with(&format!(": expected {expected}")), "{error}");
            assert_eq!(suspicions(&endpoint, true).len(), 1, "the port is for HTTP");
        }
        for url in [format!("{url}/v1/traces"), format!("{url}/otlp?key=1")] {
            let endpoint = Endpoint::verbatim(SETTING, &url).unwrap();
            assert_eq!(suspicions(&endpoint, false), [""; 0], "{url}");
        }
    }

    #[test]
    fn loopback_is_recognised() {
        for value in ["http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1"] {
            assert!(for_collector(value).is_loopback(), "{value}");
        }
        assert!(!for_collector("http://collector:4318").is_loopback());
    }
}
