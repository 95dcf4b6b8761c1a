use std::fmt;

use crate::base::error::TelemetryError;

/// Sources of the service name, in descending precedence.
#[derive(Debug, Default)]
pub(crate) struct ServiceNameSources<'a> {
    pub(crate) code: Option<&'a str>,
    pub(crate) file: Option<&'a str>,
    pub(crate) variable: Option<&'a str>,
    pub(crate) resource: Option<&'a str>,
    pub(crate) package: Option<&'a str>,
}

/// Name of the service, and the one in the environment that it overrides.
#[derive(Debug, PartialEq)]
pub(crate) struct ServiceName {
    pub(crate) name: String,
    pub(crate) overridden: Option<OverriddenName>,
}

/// Name in the environment that code overrides.
#[derive(Debug, PartialEq)]
pub(crate) struct OverriddenName {
    pub(crate) name: String,
    pub(crate) source: Source,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Source {
    Code,
    File,
    Variable,
    Resource,
    Package,
}

impl ServiceName {
    pub(crate) fn resolve(candidates: &ServiceNameSources<'_>) -> Result<Self, TelemetryError> {
        let (source, name) = candidates.strongest().ok_or_else(TelemetryError::no_service_name)?;
        if !is_valid_name(name) {
            return Err(refused(source, name));
        }
        Ok(Self {
            name: name.to_owned(),
            overridden: (source == Source::Code).then(|| candidates.overridden_by(name)).flatten(),
        })
    }

    pub(crate) fn warn_overridden(&self) {
        let Some(OverriddenName { name, source }) = &self.overridden else {
            return;
        };
        tracing::warn!(
            "the name {:?} in code overrides {source}={name:?}; \
             remove service_name(..) from the code so that the environment sets the name",
            self.name,
        );
    }
}

impl<'a> ServiceNameSources<'a> {
    fn strongest(&self) -> Option<(Source, &'a str)> {
        let code = self.code.map(|name| (Source::Code, name));
        let package = self.package.map(|name| (Source::Package, name));
        code.or_else(|| self.environment()).or(package)
    }

    fn environment(&self) -> Option<(Source, &'a str)> {
        let variable = self.variable.map(|name| (Source::Variable, name));
        let resource = self.resource.map(|name| (Source::Resource, name));
        let file = self.file.map(|name| (Source::File, name));
        file.or(variable).or(resource)
    }

    fn overridden_by(&self, winner: &str) -> Option<OverriddenName> {
        let (source, name) = self.environment()?;
        (name != winner).then(|| OverriddenName { name: name.to_owned(), source })
    }
}

fn is_valid_name(name: &str) -> bool {
    !name.trim().is_empty() && !name.starts_with("unknown_service")
}

fn refused(source: Source, name: &str) -> TelemetryError {
    TelemetryError::setting(
        source.setting(),
        name,
        "a service name that is neither empty nor unknown_service",
    )
}

impl Source {
    fn setting(self) -> &'static str {
        match self {
            Self::Code => "service_name()",
            Self::File => "service.name in the configuration file",
            Self::Variable => "OTEL_SERVICE_NAME",
            Self::Resource => "service.name in OTEL_RESOURCE_ATTRIBUTES",
            Self::Package => "package_name()",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.setting())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: ServiceNameSources<'static> = ServiceNameSources {
        code: Some("from-code"),
        file: None,
        variable: Some("from-variable"),
        resource: Some("from-resource"),
        package: Some("from-package"),
    };

    fn chosen(candidates: &ServiceNameSources<'_>) -> String {
        ServiceName::resolve(candidates).unwrap().name
    }

    fn refusal(candidates: &ServiceNameSources<'_>) -> String {
        ServiceName::resolve(candidates).unwrap_err().to_string()
    }

    #[test]
    fn code_has_precedence_over_the_variable_the_resource_and_the_package() {
        assert_eq!(chosen(&ALL), "from-code");
        let without_code = ServiceNameSources { code: None, ..ALL };
        assert_eq!(chosen(&without_code), "from-variable");
        let without_variable = ServiceNameSources { variable: None, ..without_code };
        assert_eq!(chosen(&without_variable), "from-resource");
        let without_resource = ServiceNameSources { resource: None, ..without_variable };
        assert_eq!(chosen(&without_resource), "from-package");
    }

    #[test]
    fn a_name_in_the_environment_that_code_overrides_is_returned() {
        let overridden = ServiceName::resolve(&ALL).unwrap().overridden;
        assert_eq!(
            overridden,
            Some(OverriddenName { name: "from-variable".to_owned(), source: Source::Variable })
        );
    }

    #[test]
    fn nothing_is_overridden_if_code_and_environment_agree() {
        let agreeing = ServiceNameSources { variable: ALL.code, ..ALL };
        assert_eq!(ServiceName::resolve(&agreeing).unwrap().overridden, None);
    }

    #[test]
    fn the_package_is_a_fallback_and_never_in_conflict() {
        let candidates = ServiceNameSources { code: None, ..ALL };
        assert_eq!(ServiceName::resolve(&candidates).unwrap().overridden, None);
    }

    #[test]
    fn without_a_name_the_error_lists_the_three_ways_to_set_one() {
        let error = refusal(&ServiceNameSources::default());
        for way in ["service_name(..)", "OTEL_SERVICE_NAME", "service.name in"] {
            assert!(error.contains(way), "{error}");
        }
    }

    #[test]
    fn an_empty_or_unknown_name_is_refused_with_its_source() {
        for name in ["", "  ", "unknown_service", "unknown_service:checkout"] {
            let from = |source: &str| {
                format!(
                    "{source}={name:?}: expected a service name that is neither empty nor unknown_service"
                )
            };
            let name = Some(name);
            let code = ServiceNameSources { code: name, ..ALL };
            assert_eq!(refusal(&code), from("service_name()"));
            let variable = ServiceNameSources { code: None, variable: name, ..ALL };
            assert_eq!(refusal(&variable), from("OTEL_SERVICE_NAME"));
            let resource = ServiceNameSources { resource: name, ..ServiceNameSources::default() };
            assert_eq!(refusal(&resource), from("service.name in OTEL_RESOURCE_ATTRIBUTES"));
            let package = ServiceNameSources { package: name, ..ServiceNameSources::default() };
            assert_eq!(refusal(&package), from("package_name()"));
        }
    }
}
