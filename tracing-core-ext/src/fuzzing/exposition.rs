use std::time::{Duration, SystemTime};

use opentelemetry::{
    InstrumentationScope, KeyValue, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, TraceState},
};
use opentelemetry_sdk::{
    Resource,
    metrics::{Instrument, SdkMeterProvider, Stream},
};
use prometheus::TextEncoder;

use crate::{
    export::prometheus::{Registry, format::openmetrics, registry::otel_registry::OtelRegistry},
    metrics::exemplars::Exemplars,
};

/// Measurement of a histogram with a span.
#[derive(Clone, Debug)]
pub struct Exemplar {
    /// Scope of the histogram.
    pub scope: InstrumentationScope,
    /// Name of the histogram.
    pub name: String,
    /// Unit of the histogram.
    pub unit: String,
    /// Bounds of the histogram.
    pub bounds: Vec<f64>,
    /// Attributes of the measurement.
    pub attributes: Vec<KeyValue>,
    /// Value.
    pub value: f64,
}

/// Pages of one scrape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scrape {
    /// OpenMetrics 1.0.
    pub openmetrics: String,
    /// Text 0.0.4.
    pub text: String,
}

/// Returns the pages of a service with this resource, whose instruments `measure` uses.
///
/// # Errors
///
/// If the metrics cannot be gathered.
pub fn scrape(
    resource: Vec<KeyValue>,
    exemplars: &[Exemplar],
    measure: impl FnOnce(&SdkMeterProvider),
) -> Result<Scrape, String> {
    let resource = Resource::builder_empty().with_attributes(resource).build();
    let meters = OtelRegistry::new(&resource);
    let reader = meters.reader();
    let registry = Registry::new(meters);
    let seen = registry.clone();
    let see = move |instrument: &Instrument| -> Option<Stream> {
        seen.see(instrument);
        None
    };
    let builder = SdkMeterProvider::builder().with_resource(resource);
    let provider = builder.with_view(see).with_reader(reader).build();
    measure(&provider);
    let stored = Exemplars::default();
    let span = SpanContext::new(
        TraceId::from(u128::MAX),
        SpanId::from(u64::MAX),
        TraceFlags::SAMPLED,
        false,
        TraceState::NONE,
    );
    let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_123);
    for Exemplar { scope, name, unit, bounds, attributes, value } in exemplars {
        stored.histogram(scope, name, unit, bounds).record(attributes, *value, &span, at);
    }
    let families = registry.gather()?;
    let text = TextEncoder::new().encode_to_string(&families);
    Ok(Scrape {
        openmetrics: openmetrics::encode(&families, &stored),
        text: text.map_err(|error| error.to_string())?,
    })
}
