use std::{error::Error, fmt};

/// Reason why telemetry could not be set up: the setting, its value, and the allowed values.
///
/// ```
/// use tracing_core_ext::telemetry::Telemetry;
///
/// let error = Telemetry::builder()
///     .service_name("checkout")
///     .otlp_endpoint("localhost:4318")
///     .build()
///     .unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "otlp_endpoint()=\"localhost:4318\": expected an absolute http:// or https:// URL \
///      such as http://localhost:4318",
/// );
/// ```
pub struct TelemetryError(Kind);

#[derive(Debug)]
enum Kind {
    Setting { setting: &'static str, value: String, expected: String },
    File { place: String, problem: String },
    NotUtf8(&'static str),
    NoServiceName,
    AlreadyInstalled,
    ForeignSubscriber,
    WithoutSubscriber(&'static str),
    Exporter(Box<dyn Error + Send + Sync>),
    Collector(Box<dyn Error + Send + Sync>),
}

impl TelemetryError {
    pub(crate) fn setting(
        setting: &'static str,
        value: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self(Kind::Setting { setting, value: value.into(), expected: expected.into() })
    }

    /// Creates the error of a configuration file. The place is followed by the problem.
    pub(crate) fn file(place: String, problem: String) -> Self {
        Self(Kind::File { place, problem })
    }

    /// Creates the error of a value that needs a disabled feature.
    pub(crate) fn missing_feature(setting: &'static str, value: &str, feature: &str) -> Self {
        let expected =
            format!("another value, or the feature `{feature}` of tracing-core-ext, which is off");
        Self::setting(setting, value, expected)
    }

    /// Creates the error of a value that is not UTF-8. The error omits the value, which may be a secret.
    pub(crate) fn not_utf8(setting: &'static str) -> Self {
        Self(Kind::NotUtf8(setting))
    }

    pub(crate) fn no_service_name() -> Self {
        Self(Kind::NoServiceName)
    }

    pub(crate) fn already_installed() -> Self {
        Self(Kind::AlreadyInstalled)
    }

    pub(crate) fn foreign_subscriber() -> Self {
        Self(Kind::ForeignSubscriber)
    }

    pub(crate) fn without_subscriber(option: &'static str) -> Self {
        Self(Kind::WithoutSubscriber(option))
    }

    /// Creates the error of a metrics collector that cannot be registered.
    pub(crate) fn collector(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Kind::Collector(error.into()))
    }

    pub(crate) fn exporter(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Kind::Exporter(error.into()))
    }
}

/// Writes the message, because a `main` that returns the error prints this form.
impl fmt::Debug for TelemetryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for TelemetryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Setting { setting, value, expected } => {
                write!(f, "{setting}={value:?}: expected {expected}")
            }
            Kind::File { place, problem } => write!(f, "{place}{problem}"),
            Kind::NotUtf8(setting) => {
                write!(f, "{setting} is not UTF-8: expected text in UTF-8")
            }
            Kind::NoServiceName => f.write_str(
                "the service has no name: call service_name(..) on the builder, or set \
                 OTEL_SERVICE_NAME, or set service.name in OTEL_RESOURCE_ATTRIBUTES",
            ),
            Kind::AlreadyInstalled => {
                f.write_str("telemetry is already installed: install() may be called once")
            }
            Kind::ForeignSubscriber => f.write_str(
                "another global tracing subscriber is already installed: remove it and pass its layers to layer(..), its \
                 directives to log_filter(..) and its format to log_format(..); or keep it, call \
                 install_without_subscriber(), and add telemetry.layer(..) to it",
            ),
            Kind::WithoutSubscriber(option) => write!(
                f,
                "{option} has no effect with install_without_subscriber(): expected no options of a subscriber",
            ),
            Kind::Exporter(error) => write!(f, "the exporter could not be built: {error}"),
            Kind::Collector(error) => error.fmt(f),
        }
    }
}

impl Error for TelemetryError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            Kind::Exporter(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}
