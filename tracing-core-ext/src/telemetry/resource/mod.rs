pub(crate) mod detect;
pub(crate) mod service_name;

use opentelemetry::KeyValue;
use opentelemetry_sdk::{Resource, resource::TelemetryResourceDetector};

pub(crate) const SERVICE_VERSION: &str = "service.version";
pub(crate) const ENVIRONMENT_NAME: &str = "deployment.environment.name";

/// Builds the resource of the service. Attributes in code take precedence over the environment,
/// which takes precedence over detected ones.
///
/// The detectors of the SDK are not used, because `service.name` in `OTEL_RESOURCE_ATTRIBUTES`
/// takes precedence over `OTEL_SERVICE_NAME` there.
pub(crate) fn resource(
    service_name: &str,
    detected: Vec<KeyValue>,
    environment: &[(String, String)],
    code: Vec<KeyValue>,
) -> Resource {
    let environment =
        environment.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes(detected)
        .with_attributes(environment)
        .with_attributes(code)
        .with_service_name(service_name.to_owned())
        .build()
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
    fn code_beats_the_environment_which_beats_detection_and_the_service_name_beats_all() {
        let resource = resource(
            "checkout",
            ["service.name", "team", "zone", "host.name"]
                .map(|key| KeyValue::new(key, "detected"))
                .to_vec(),
            &pairs(&[("service.name", "lost"), ("team", "lost"), ("zone", "b")]),
            vec![KeyValue::new("team", "shop")],
        );
        assert_eq!(value(&resource, "service.name"), Some("checkout".into()));
        assert_eq!(value(&resource, "team"), Some("shop".into()));
        assert_eq!(value(&resource, "zone"), Some("b".into()));
        assert_eq!(value(&resource, "host.name"), Some("detected".into()));
    }

    #[test]
    fn the_resource_has_the_name_of_the_sdk() {
        let resource = resource("checkout", Vec::new(), &[], Vec::new());
        assert_eq!(value(&resource, "telemetry.sdk.language"), Some("rust".into()));
        assert!(value(&resource, "telemetry.sdk.version").is_some());
    }
}
