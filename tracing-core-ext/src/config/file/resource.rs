//! `resource`.

use opentelemetry::{Array, KeyValue, StringValue, Value};

use super::{KeyPatterns, document::item::Item};
use crate::{
    base::error::TelemetryError,
    config::{
        env::{Env, words::Words},
        resource::{
            Detection, ResourceConfig, SERVICE_NAME, detectors::ResourceDetectors, parse_entry,
        },
    },
};

/// Type of an attribute.
#[derive(Clone, Copy)]
enum Type {
    String,
    Bool,
    Int,
    Double,
    StringArray,
    BoolArray,
    IntArray,
    DoubleArray,
}

const TYPES: Words<Type> = Words {
    known: &[
        ("string", Type::String),
        ("bool", Type::Bool),
        ("int", Type::Int),
        ("double", Type::Double),
        ("string_array", Type::StringArray),
        ("bool_array", Type::BoolArray),
        ("int_array", Type::IntArray),
        ("double_array", Type::DoubleArray),
    ],
    unsupported: &[],
};

/// Name that the official templates have where a name is missing.
const UNKNOWN_SERVICE: &str = "unknown_service";

/// Reads the resource. Its attributes take precedence over those of its list, which take precedence
/// over detected ones.
pub(super) fn read(
    item: Option<&Item<'_>>,
    variables: &Env,
) -> Result<ResourceConfig, TelemetryError> {
    let none = Detection { detectors: ResourceDetectors::none(), keys: KeyPatterns::default() };
    let mut resource = ResourceConfig { detection: Some(none), ..ResourceConfig::default() };
    let Some(item) = item else { return Ok(resource) };
    let section = item.section()?;
    let mut attributes = Vec::new();
    if let Some(list) = section.get("attributes_list") {
        attributes.extend(attributes_list(&list)?);
    }
    if let Some(list) = section.get("attributes") {
        for attribute in list.items()? {
            attributes.extend(self::attribute(&attribute)?);
        }
    }
    if let Some(item) = section.get("detection/development") {
        let (detection, has_service) = detection(&item)?;
        resource.detection = Some(detection);
        if has_service {
            resource.file_service_name = variables.platform_text("OTEL_SERVICE_NAME");
        }
    }
    section.unsupported(["schema_url"])?;
    section.finish()?;
    for attribute in attributes {
        match attribute.key.as_str() {
            SERVICE_NAME if attribute.value.as_str() == UNKNOWN_SERVICE => {}
            SERVICE_NAME => resource.file_service_name = Some(attribute.value.to_string()),
            _ => resource.attributes.push(attribute),
        }
    }
    Ok(resource)
}

fn attributes_list(item: &Item<'_>) -> Result<Vec<KeyValue>, TelemetryError> {
    let text = item.text()?;
    let mut attributes = Vec::new();
    for entry in text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        match parse_entry(entry) {
            Some((key, value)) => attributes.push(KeyValue::new(key, value)),
            None => item.ignore(item.expected("key=value pairs separated by commas"))?,
        }
    }
    Ok(attributes)
}

/// Reads an attribute. "If null the entry is ignored."
fn attribute(item: &Item<'_>) -> Result<Option<KeyValue>, TelemetryError> {
    let section = item.section()?;
    let name = section.require("name")?.text()?;
    if name.is_empty() {
        return Err(item.refused("the name of the attribute is empty"));
    }
    let of_type = section.read_or("type", Type::String, |item| item.word(&TYPES))?;
    let value = section.read("value", |item| value(item, of_type))?;
    section.finish()?;
    Ok(value.map(|value| KeyValue::new(name, value)))
}

fn value(item: &Item<'_>, of_type: Type) -> Result<Value, TelemetryError> {
    Ok(match of_type {
        Type::String => item.text()?.into(),
        Type::Bool => item.boolean()?.into(),
        Type::Int => item.signed()?.into(),
        Type::Double => item.number()?.into(),
        Type::StringArray => {
            Value::Array(Array::String(all(item, |item| item.text().map(StringValue::from))?))
        }
        Type::BoolArray => Value::Array(Array::Bool(all(item, Item::boolean)?)),
        Type::IntArray => Value::Array(Array::I64(all(item, Item::signed)?)),
        Type::DoubleArray => Value::Array(Array::F64(all(item, Item::number)?)),
    })
}

fn all<'a, T>(
    item: &Item<'a>,
    read: impl Fn(&Item<'a>) -> Result<T, TelemetryError>,
) -> Result<Vec<T>, TelemetryError> {
    item.items()?.iter().map(read).collect()
}

/// Reads the detectors. Returns also whether the one of the service is on, which provides
/// `service.name` of `OTEL_SERVICE_NAME`.
fn detection(item: &Item<'_>) -> Result<(Detection, bool), TelemetryError> {
    const EXPECTED: &str = "container, host, kubernetes, os, process, process_command or service";
    let section = item.section()?;
    let keys = section.read_or("attributes", KeyPatterns::default(), KeyPatterns::read)?;
    let mut detectors = ResourceDetectors::none();
    let list = section.get("detectors").map_or(Ok(Vec::new()), |list| list.items())?;
    for item in list {
        let (name, options) = item.variant()?;
        options.section()?.finish()?;
        detectors = match name {
            "container" => detectors.container(true),
            "host" => detectors.host(true),
            "kubernetes" => detectors.kubernetes(true),
            "os" => detectors.os(true),
            "process" => detectors.process(true),
            "process_command" => detectors.process_command(true),
            "service" => detectors.service_instance(true),
            // "Resource detector names are dependent on the SDK language ecosystem."
            _ => {
                options
                    .ignore(options.refused(&format!("unknown detector: expected {EXPECTED}")))?;
                detectors
            }
        };
    }
    section.finish()?;
    let has_service = detectors.service_instance;
    Ok((Detection { detectors, keys }, has_service))
}
