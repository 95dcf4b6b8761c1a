//! `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME`.

pub(crate) mod detectors;

use opentelemetry::KeyValue;

use self::detectors::ResourceDetectors;
use super::{env::Env, file::KeyPatterns};
use crate::base::{error::TelemetryError, text::percent::percent_decode};

const ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";
pub(super) const SERVICE_NAME: &str = "service.name";

/// Resource attributes of the service.
#[derive(Clone, Debug, Default)]
pub(crate) struct ResourceConfig {
    pub(crate) service_name: Option<String>,
    /// `service.name` of `OTEL_RESOURCE_ATTRIBUTES`.
    pub(crate) service_name_attribute: Option<String>,
    /// `service.name` of a configuration file.
    pub(crate) file_service_name: Option<String>,
    /// All other attributes.
    pub(crate) attributes: Vec<KeyValue>,
    /// Detection that a configuration file sets.
    pub(crate) detection: Option<Detection>,
}

/// Detectors, and the patterns of the attributes that are used.
#[derive(Clone, Debug)]
pub(crate) struct Detection {
    pub(crate) detectors: ResourceDetectors,
    pub(crate) keys: KeyPatterns,
}

impl Env {
    pub(super) fn resource(&self) -> Result<ResourceConfig, TelemetryError> {
        let (names, attributes): (Vec<_>, Vec<_>) =
            self.resource_attributes()?.into_iter().partition(|(key, _)| key == SERVICE_NAME);
        Ok(ResourceConfig {
            service_name: self.text("OTEL_SERVICE_NAME")?,
            service_name_attribute: names.into_iter().next_back().map(|(_, name)| name),
            file_service_name: None,
            attributes: attributes
                .into_iter()
                .map(|(key, value)| KeyValue::new(key, value))
                .collect(),
            detection: None,
        })
    }

    /// Reads resource attributes.
    ///
    /// ```text
    /// key1=value1,key2=value2
    /// ```
    ///
    /// "All attribute values MUST be considered strings", and "the `,` and `=` characters in keys and values MUST be percent
    /// encoded": Resource SDK, "Specifying resource information via an environment variable". Invalid pairs are ignored
    /// with a warning.
    fn resource_attributes(&self) -> Result<Vec<(String, String)>, TelemetryError> {
        let Some(value) = self.text(ATTRIBUTES)? else { return Ok(Vec::new()) };
        let mut attributes = Vec::new();
        for entry in value.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            match parse_entry(entry) {
                Some(attribute) => attributes.push(attribute),
                None => attributes.extend(self.findings.ignore(malformed(entry))?),
            }
        }
        Ok(attributes)
    }
}

pub(super) fn parse_entry(entry: &str) -> Option<(String, String)> {
    let (key, value) = entry.split_once('=').filter(|(_, value)| !value.contains('='))?;
    let (key, value) = (percent_decode(key.trim())?, percent_decode(value.trim())?);
    (!key.is_empty()).then_some((key, value))
}

fn malformed(entry: &str) -> TelemetryError {
    TelemetryError::setting(
        ATTRIBUTES,
        entry,
        "key=value pairs separated by commas, with other characters percent-encoded as UTF-8",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::env::findings::Findings;

    fn read(value: &'static str, is_strict: bool) -> Result<ResourceConfig, TelemetryError> {
        let lookup = move |name: &str| (name == ATTRIBUTES).then(|| value.to_owned());
        Env::from_fn(lookup).with_findings(Findings::strict(is_strict)).resource()
    }

    fn pairs(expected: &[(&'static str, &'static str)]) -> Vec<KeyValue> {
        let own = |(key, value): &(&'static str, &'static str)| KeyValue::new(*key, *value);
        expected.iter().map(own).collect()
    }

    #[test]
    fn attributes_are_split_trimmed_and_percent_decoded() {
        let resource = read("team=shop, greeting=gr%C3%BC%C3%9Fe%2C%20a%3Db ,empty=,", true);
        assert_eq!(
            resource.unwrap().attributes,
            pairs(&[("team", "shop"), ("greeting", "grüße, a=b"), ("empty", "")])
        );
    }

    #[test]
    fn the_last_service_name_is_apart_from_the_attributes() {
        let resource = read("service.name=first,team=shop,service.name=last", true).unwrap();
        assert_eq!(resource.service_name_attribute.as_deref(), Some("last"));
        assert_eq!(resource.attributes, pairs(&[("team", "shop")]));
    }

    #[test]
    fn an_invalid_pair_is_ignored_and_the_others_are_kept() {
        for entry in ["team", "=shop", "a=b=c", "a=%", "a=%4", "a=%+1", "a=%FF"] {
            let value = format!("good=1,{entry},last=2").leak();
            let expected = "expected key=value pairs separated by commas, with other characters \
                            percent-encoded as UTF-8";
            let error = read(value, true).unwrap_err().to_string();
            assert_eq!(error, format!("OTEL_RESOURCE_ATTRIBUTES={entry:?}: {expected}"));
            let resource = read(value, false).unwrap();
            assert_eq!(resource.attributes, pairs(&[("good", "1"), ("last", "2")]));
        }
    }
}
