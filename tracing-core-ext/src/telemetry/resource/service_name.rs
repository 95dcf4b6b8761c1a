use std::fmt;

use crate::base::error::TelemetryError;

/// The names on offer, strongest first.
#[derive(Debug, Default)]
pub(crate) struct Candidates<'a> {
    pub(crate) code: Option<&'a str>,
    pub(crate) variable: Option<&'a str>,
    pub(crate) resource: Option<&'a str>,
    pub(crate) package: Option<&'a str>,
}

/// The name the service goes by, and the one in the environment that lost against it.
#[derive(Debug, PartialEq)]
pub(crate) struct ServiceName {
    pub(crate) name: String,
    pub(crate) overruled: Option<Overruled>,
}

/// A name set in the environment which code overrules.
#[derive(Debug, PartialEq)]
pub(crate) struct Overruled {
    pub(crate) name: String,
    pub(crate) source: Source,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Source {
    Code,
    Variable,
    Resource,
    Package,
}

impl ServiceName {
    pub(crate) fn choose(candidates: &Candidates<'_>) -> Result<Self, TelemetryError> {
        let (source, name) = candidates.strongest().ok_or_else(TelemetryError::no_service_name)?;
        if !is_a_name(name) {
            return Err(refused(source, name));
        }
        Ok(Self {
            name: name.to_owned(),
            overruled: (source == Source::Code).then(|| candidates.overruled_by(name)).flatten(),
        })
    }

    pub(crate) fn say_overruled(&self) {
        let Some(Overruled { name, source }) = &self.overruled else {
            return;
        };
        tracing::warn!(
            "the name {:?} in code beats {source}={name:?}; \
             take service_name(..) out of the code to let the environment name the service",
            self.name,
        );
    }
}

impl<'a> Candidates<'a> {
    fn strongest(&self) -> Option<(Source, &'a str)> {
        let code = self.code.map(|name| (Source::Code, name));
        let package = self.package.map(|name| (Source::Package, name));
        code.or_else(|| self.environment()).or(package)
    }

    fn environment(&self) -> Option<(Source, &'a str)> {
        let variable = self.variable.map(|name| (Source::Variable, name));
        let resource = self.resource.map(|name| (Source::Resource, name));
        variable.or(resource)
    }

    fn overruled_by(&self, winner: &str) -> Option<Overruled> {
        let (source, name) = self.environment()?;
        (name != winner).then(|| Overruled { name: name.to_owned(), source })
    }
}

fn is_a_name(name: &str) -> bool {
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

    const ALL: Candidates<'static> = Candidates {
        code: Some("from-code"),
        variable: Some("from-variable"),
        resource: Some("from-resource"),
        package: Some("from-package"),
    };

    fn chosen(candidates: &Candidates<'_>) -> String {
        ServiceName::choose(candidates).unwrap().name
    }

    fn refusal(candidates: &Candidates<'_>) -> String {
        ServiceName::choose(candidates).unwrap_err().to_string()
    }

    #[test]
    fn code_wins_then_the_variable_then_the_resource_then_the_package() {
        assert_eq!(chosen(&ALL), "from-code");
        let without_code = Candidates { code: None, ..ALL };
        assert_eq!(chosen(&without_code), "from-variable");
        let without_variable = Candidates { variable: None, ..without_code };
        assert_eq!(chosen(&without_variable), "from-resource");
        let without_resource = Candidates { resource: None, ..without_variable };
        assert_eq!(chosen(&without_resource), "from-package");
    }

    #[test]
    fn a_name_in_the_environment_that_code_overrules_is_remembered() {
        let overruled = ServiceName::choose(&ALL).unwrap().overruled;
        assert_eq!(
            overruled,
            Some(Overruled { name: "from-variable".to_owned(), source: Source::Variable })
        );
    }

    #[test]
    fn nothing_is_overruled_when_code_and_environment_agree() {
        let agreeing = Candidates { variable: ALL.code, ..ALL };
        assert_eq!(ServiceName::choose(&agreeing).unwrap().overruled, None);
    }

    #[test]
    fn the_package_is_a_fallback_and_never_in_conflict() {
        let candidates = Candidates { code: None, ..ALL };
        assert_eq!(ServiceName::choose(&candidates).unwrap().overruled, None);
    }

    #[test]
    fn no_name_at_all_tells_the_three_ways_to_set_one() {
        let error = refusal(&Candidates::default());
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
            let code = Candidates { code: name, ..ALL };
            assert_eq!(refusal(&code), from("service_name()"));
            let variable = Candidates { code: None, variable: name, ..ALL };
            assert_eq!(refusal(&variable), from("OTEL_SERVICE_NAME"));
            let resource = Candidates { resource: name, ..Candidates::default() };
            assert_eq!(refusal(&resource), from("service.name in OTEL_RESOURCE_ATTRIBUTES"));
            let package = Candidates { package: name, ..Candidates::default() };
            assert_eq!(refusal(&package), from("package_name()"));
        }
    }
}
