pub(crate) mod mapping;
mod to_agent;
mod to_collector;
mod wire;

use super::Encoder;
use crate::telemetry::{Telemetry, TelemetryBuilder};

fn builder() -> TelemetryBuilder {
    Telemetry::builder().variables(|_| None).service_name("checkout")
}
