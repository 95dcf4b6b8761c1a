use std::{error::Error, fmt};

use super::format::name::RESERVED;

/// Error for a collector that cannot be registered. The message contains the metric and the
/// expected form.
///
/// ```
/// use prometheus::IntCounter;
/// use tracing_core_ext::{prometheus::Prometheus, telemetry::Telemetry};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let error = Telemetry::builder()
///     .service_name("checkout")
///     .prometheus(Prometheus::mounted().collector(IntCounter::new("process_orders", "Orders.")?))
///     .build()
///     .unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "metric \"process_orders\": expected a name that does not begin with process_, tokio_, target_ or otel_",
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RegisterError(Kind);

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Kind {
    NoMetrics,
    Invalid { name: String },
    InvalidLabel { name: String, label: String },
    Reserved { name: String },
    Registered { name: String },
    Differs { name: String },
    Clash { name: String, other: String },
}

impl From<Kind> for RegisterError {
    fn from(kind: Kind) -> Self {
        Self(kind)
    }
}

/// Same as `Display`, because a `main` that returns the error prints the `Debug` form.
impl fmt::Debug for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::NoMetrics => f.write_str(
                "a collector without metrics: expected one whose desc() tells what it collects",
            ),
            Kind::Invalid { name } => write!(
                f,
                "metric {name:?}: expected a name of letters, digits, _ and :, not begun by a digit"
            ),
            Kind::InvalidLabel { name, label } => write!(
                f,
                "metric {name:?}: expected labels of letters, digits and _ that do not begin with a digit or __, not \
                 {label:?}"
            ),
            Kind::Reserved { name } => {
                let [others @ .., last] = RESERVED;
                let others = others.join(", ");
                write!(
                    f,
                    "metric {name:?}: expected a name that does not begin with {others} or {last}"
                )
            }
            Kind::Registered { name } => {
                write!(f, "metric {name:?}: expected a name that is not registered yet")
            }
            Kind::Differs { name } => write!(
                f,
                "metric {name:?}: expected the type, the help and the labels that it is registered with"
            ),
            Kind::Clash { name, other } => {
                write!(f, "metric {name:?}: expected a name that does not clash with {other:?}")
            }
        }
    }
}

impl Error for RegisterError {}
