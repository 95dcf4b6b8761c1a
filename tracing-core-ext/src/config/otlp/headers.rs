use http::{HeaderMap, HeaderName, HeaderValue};

use crate::{
    base::{error::TelemetryError, text::percent::percent_decode},
    config::env::Env,
};

impl Env {
    /// Parses headers.
    ///
    /// ```text
    /// key1=value1,key2=value2
    /// ```
    ///
    /// "represented in a format matching to the W3C Baggage, except that additional semi-colon delimited metadata is not
    /// supported": OTLP exporter specification, "Specifying headers via environment variables". Invalid pairs are ignored
    /// with a warning.
    pub(super) fn headers(&self, names: [&'static str; 2]) -> Result<HeaderMap, TelemetryError> {
        let mut headers = HeaderMap::new();
        let Some((name, value)) = self.first_set(names)? else { return Ok(headers) };
        for entry in value.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let header = parse_entry(entry);
            let added = header.and_then(|(name, value)| headers.try_insert(name, value).ok());
            if added.is_none() {
                self.findings.ignore::<()>(malformed(name, entry))?;
            }
        }
        Ok(headers)
    }
}

pub(in crate::config) fn parse_entry(entry: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = entry.split_once('=')?;
    let value = percent_decode(value.trim())?;
    let mut value = HeaderValue::from_str(&value).ok()?;
    value.set_sensitive(true);
    Some((name.trim().parse().ok()?, value))
}

/// Returns an error with only the name of the header, because its value may be a secret.
fn malformed(setting: &'static str, entry: &str) -> TelemetryError {
    let end = entry.find(['=', ':', ' ']).map_or(0, |at| at + 1);
    TelemetryError::setting(
        setting,
        format!("{}***", &entry[..end]),
        "name=value pairs of HTTP headers separated by commas, with other characters percent-encoded",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::env::findings::Findings;

    const SETTING: &str = "OTEL_EXPORTER_OTLP_HEADERS";

    fn read(value: &str, is_strict: bool) -> Result<HeaderMap, TelemetryError> {
        let value = value.to_owned();
        let lookup = move |name: &str| (name == SETTING).then(|| value.clone());
        let variables = Env::from_fn(lookup).with_findings(Findings::strict(is_strict));
        variables.headers(["OTEL_EXPORTER_OTLP_TRACES_HEADERS", SETTING])
    }

    #[test]
    fn headers_are_split_trimmed_and_percent_decoded() {
        let headers = read("authorization=Basic%20bWU6eA==, X-Tenant = a%2Cb ,empty=,", true);
        let headers = headers.unwrap();
        assert_eq!(headers.len(), 3);
        assert_eq!(headers["authorization"], "Basic bWU6eA==");
        assert_eq!(headers["x-tenant"], "a,b");
        assert_eq!(headers["empty"], "");
    }

    #[test]
    fn a_malformed_entry_is_ignored_and_logged_without_its_value() {
        for (entry, shown) in [
            ("secret", "***"),
            ("=secret", "=***"),
            ("api-key: secret", "api-key:***"),
            ("api key=secret", "api ***"),
            ("api-key=secret%0A", "api-key=***"),
            ("api-key=secret%4", "api-key=***"),
            ("api-key=secret%FF", "api-key=***"),
        ] {
            let value = format!("good=1,{entry}");
            assert_eq!(read(&value, false).unwrap().len(), 1);
            assert_eq!(
                read(&value, true).unwrap_err().to_string(),
                format!(
                    "OTEL_EXPORTER_OTLP_HEADERS={shown:?}: expected name=value pairs of HTTP \
                     headers separated by commas, with other characters percent-encoded"
                )
            );
        }
    }

    #[test]
    fn values_are_not_shown_by_debug() {
        let headers = read("api-key=secret", true).unwrap();
        assert!(!format!("{headers:?}").contains("secret"));
    }
}
