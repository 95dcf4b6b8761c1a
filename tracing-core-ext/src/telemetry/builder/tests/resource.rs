use super::*;

#[test]
fn resource_attributes_of_code_and_environment_are_exported() {
    let seen = Arc::new(Mutex::new(None));
    let (telemetry, _dispatch) = builder(&[
        ("OTEL_SERVICE_NAME", "from-variable"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=weaker,team=blue"),
    ])
    .package_name("weakest")
    .service_version("1.2.3")
    .environment("staging")
    .resource_attribute("zone", 7)
    .exporter(SeesResource(Arc::clone(&seen)))
    .build()
    .unwrap();
    telemetry.shutdown().unwrap();
    let resource = seen.lock().unwrap().take().unwrap();
    for (key, value) in [
        ("service.name", Value::from("from-variable")),
        ("service.version", "1.2.3".into()),
        ("deployment.environment.name", "staging".into()),
        ("team", "blue".into()),
        ("zone", 7.into()),
    ] {
        assert_eq!(resource.get(&Key::new(key)), Some(value), "{key}");
    }
}

#[test]
fn every_exporter_has_the_detected_attributes_unless_code_or_environment_sets_them() {
    let exported = |detectors: ResourceDetectors| {
        let seen: [_; 2] = std::array::from_fn(|_| Arc::new(Mutex::new(None)));
        let variables = [("OTEL_RESOURCE_ATTRIBUTES", "host.arch=mips,os.type=z_os")];
        let (telemetry, _dispatch) = Telemetry::builder()
            .variables(move |name| {
                let found = variables.iter().find(|(key, _)| *key == name)?;
                Some(found.1.to_owned())
            })
            .service_name("shop")
            .resource_attribute("host.arch", "riscv64")
            .resource_detectors(detectors)
            .exporter(SeesResource(Arc::clone(&seen[0])))
            .exporter(SeesResource(Arc::clone(&seen[1])))
            .build()
            .unwrap();
        assert_eq!(
            telemetry.tracer_provider().resource(),
            seen[0].lock().unwrap().as_ref().unwrap()
        );
        let [first, second] = seen.map(|seen| seen.lock().unwrap().take().unwrap());
        assert_eq!(first, second);
        first
    };
    let resource = exported(ResourceDetectors::all());
    let get = |key: &'static str| resource.get(&Key::new(key));
    assert_eq!(get("host.arch"), Some("riscv64".into()));
    assert_eq!(get("os.type"), Some("z_os".into()));
    assert_eq!(get("process.pid"), Some(Value::I64(std::process::id().into())));
    assert_eq!(get("process.command_args"), None);

    let none = exported(ResourceDetectors::none());
    let keys: Vec<_> = none
        .iter()
        .map(|(key, _)| key.as_str())
        .filter(|key| !key.starts_with("telemetry."))
        .collect();
    assert_eq!(keys.len(), 3, "{keys:?}");
}

#[derive(Debug)]
struct SeesResource(Arc<Mutex<Option<opentelemetry_sdk::Resource>>>);

impl SpanExporter for SeesResource {
    async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
        Ok(())
    }

    fn set_resource(&mut self, resource: &opentelemetry_sdk::Resource) {
        *self.0.lock().unwrap() = Some(resource.clone());
    }
}
