pub(crate) mod detect;
pub(crate) mod service_name;

use opentelemetry::KeyValue;
use opentelemetry_sdk::{Resource, resource::TelemetryResourceDetector};

pub(crate) const SERVICE_VERSION: &str = "service.version";
pub(crate) const ENVIRONMENT_NAME: &str = "deployment.environment.name";

/// Builds the resource of the service. Attributes in code take precedence over those of the
/// environment or of the file, which take precedence over detected ones.
///
/// The detectors of the SDK are not used, because `service.name` in `OTEL_RESOURCE_ATTRIBUTES`
/// takes precedence over `OTEL_SERVICE_NAME` there.
pub(crate) fn resource(
    service_name: &str,
    detected: Vec<KeyValue>,
    configured: Vec<KeyValue>,
    code: Vec<KeyValue>,
) -> Resource {
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes(detected)
        .with_attributes(configured)
        .with_attributes(code)
        .with_service_name(service_name.to_owned())
        .build()
}

#[cfg(test)]
mod tests {
    use opentelemetry::{Key, Value};

    use super::*;

    fn pairs<const N: usize>(expected: [(&'static str, &'static str); N]) -> Vec<KeyValue> {
        expected.map(|(key, value)| KeyValue::new(key, value)).to_vec()
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
            pairs([("service.name", "lost"), ("team", "lost"), ("zone", "b")]),
            vec![KeyValue::new("team", "shop")],
        );
        assert_eq!(value(&resource, "service.name"), Some("checkout".into()));
        assert_eq!(value(&resource, "team"), Some("shop".into()));
        assert_eq!(value(&resource, "zone"), Some("b".into()));
        assert_eq!(value(&resource, "host.name"), Some("detected".into()));
    }

    #[test]
    fn the_resource_has_the_name_of_the_sdk() {
        let resource = resource("checkout", Vec::new(), Vec::new(), Vec::new());
        assert_eq!(value(&resource, "telemetry.sdk.language"), Some("rust".into()));
        assert!(value(&resource, "telemetry.sdk.version").is_some());
    }
}
