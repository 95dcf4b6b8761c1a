pub(crate) mod service_name;

use opentelemetry::KeyValue;
use opentelemetry_sdk::{Resource, resource::TelemetryResourceDetector};

use crate::base::error::TelemetryError;

pub(crate) const SERVICE_NAME: &str = "service.name";
pub(crate) const SERVICE_VERSION: &str = "service.version";
pub(crate) const ENVIRONMENT_NAME: &str = "deployment.environment.name";

const VARIABLE: &str = "OTEL_RESOURCE_ATTRIBUTES";

/// The resource of the service: what code says beats what the environment says.
///
/// The SDK's own detectors are not asked, for they let `service.name` in
/// `OTEL_RESOURCE_ATTRIBUTES` beat `OTEL_SERVICE_NAME`.
pub(crate) fn resource(
    service_name: &str,
    environment: &[(String, String)],
    code: Vec<KeyValue>,
) -> Resource {
    let environment =
        environment.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes(environment)
        .with_attributes(code)
        .with_service_name(service_name.to_owned())
        .build()
}

/// Reads `OTEL_RESOURCE_ATTRIBUTES`.
///
/// ```text
/// key1=value1,key2=value2
/// ```
///
/// "All attribute values MUST be considered strings", and "the `,` and `=` characters in keys
/// and values MUST be percent encoded": Resource SDK, "Specifying resource information via an
/// environment variable".
pub(crate) fn parse_attributes(value: &str) -> Result<Vec<(String, String)>, TelemetryError> {
    value
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| parse_entry(entry).ok_or_else(|| malformed(entry)))
        .collect()
}

fn parse_entry(entry: &str) -> Option<(String, String)> {
    let (key, value) = entry.split_once('=')?;
    let key = percent_decode(key.trim())?;
    if value.contains('=') {
        return None;
    }
    let value = percent_decode(value.trim())?;
    (!key.is_empty()).then_some((key, value))
}

fn malformed(entry: &str) -> TelemetryError {
    TelemetryError::setting(
        VARIABLE,
        entry,
        "key=value pairs separated by commas, with other characters percent-encoded as UTF-8",
    )
}

pub(crate) fn percent_decode(text: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex_digit(bytes.next()?)? << 4 | hex_digit(bytes.next()?)?,
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex_digit(byte: u8) -> Option<u8> {
    let digit = char::from(byte).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use opentelemetry::{Key, Value};

    use super::*;

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        expected.iter().map(own).collect()
    }

    fn value(resource: &Resource, key: &'static str) -> Option<Value> {
        resource.get(&Key::from_static_str(key))
    }

    #[test]
    fn attributes_are_split_trimmed_and_percent_decoded() {
        let parsed = parse_attributes("team=shop, greeting=gr%C3%BC%C3%9Fe%2C%20a%3Db ,empty=,");
        assert_eq!(
            parsed.unwrap(),
            pairs(&[("team", "shop"), ("greeting", "grüße, a=b"), ("empty", "")])
        );
    }

    #[test]
    fn a_malformed_entry_is_named() {
        for entry in ["team", "=shop", "a=b=c", "a=%", "a=%4", "a=%+1", "a=%FF"] {
            let error = parse_attributes(&format!("good=1,{entry}")).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!(
                    "OTEL_RESOURCE_ATTRIBUTES={entry:?}: expected key=value pairs separated by \
                     commas, with other characters percent-encoded as UTF-8"
                )
            );
        }
    }

    #[test]
    fn code_beats_the_environment_and_the_service_name_beats_both() {
        let resource = resource(
            "checkout",
            &pairs(&[("service.name", "lost"), ("team", "lost"), ("zone", "b")]),
            vec![KeyValue::new("team", "shop")],
        );
        assert_eq!(value(&resource, SERVICE_NAME), Some("checkout".into()));
        assert_eq!(value(&resource, "team"), Some("shop".into()));
        assert_eq!(value(&resource, "zone"), Some("b".into()));
    }

    #[test]
    fn the_sdk_names_itself() {
        let resource = resource("checkout", &[], Vec::new());
        assert_eq!(value(&resource, "telemetry.sdk.language"), Some("rust".into()));
        assert!(value(&resource, "telemetry.sdk.version").is_some());
    }
}
