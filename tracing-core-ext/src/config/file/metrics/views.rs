//! `views` of `meter_provider`.

use opentelemetry_sdk::metrics::{Aggregation, InstrumentKind};

use super::super::{KeyPatterns, document::item::Item};
use crate::{
    base::error::TelemetryError,
    config::{
        env::words::Words,
        metrics::{ViewConfig, ViewSelector},
    },
    trace::Pattern,
};

const KINDS: Words<InstrumentKind> = Words {
    known: &[
        ("counter", InstrumentKind::Counter),
        ("gauge", InstrumentKind::Gauge),
        ("histogram", InstrumentKind::Histogram),
        ("observable_counter", InstrumentKind::ObservableCounter),
        ("observable_gauge", InstrumentKind::ObservableGauge),
        ("observable_up_down_counter", InstrumentKind::ObservableUpDownCounter),
        ("up_down_counter", InstrumentKind::UpDownCounter),
    ],
    unsupported: &[],
};

const MAX_CARDINALITY: i64 = 1 << 24;

/// Boundaries of the metrics SDK specification, "Explicit Bucket Histogram Aggregation".
const BOUNDARIES: [f64; 15] = [
    0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0,
    10000.0,
];

pub(super) fn read(list: &Item<'_>) -> Result<Vec<ViewConfig>, TelemetryError> {
    list.items()?.iter().map(view).collect()
}

fn view(item: &Item<'_>) -> Result<ViewConfig, TelemetryError> {
    let section = item.section()?;
    let selector_item = section.require("selector")?;
    let selector = selector(&selector_item)?;
    let stream = section.require("stream")?.section()?;
    let name = stream.read("name", Item::text)?;
    if name.is_some() && !selector.selects_one_name() {
        let problem = "several instruments would have one name: expected an instrument_name \
                       without wildcards beside stream.name";
        return Err(selector_item.refused(problem));
    }
    let view = ViewConfig {
        selector,
        name,
        description: stream.read("description", Item::text)?,
        aggregation: stream.read("aggregation", aggregation)?.flatten(),
        cardinality_limit: stream
            .read("aggregation_cardinality_limit", |item| item.integer(1..=MAX_CARDINALITY))?,
        attribute_keys: stream.read("attribute_keys", attribute_keys)?.flatten(),
    };
    stream.finish()?;
    section.finish()?;
    Ok(view)
}

fn selector(item: &Item<'_>) -> Result<ViewSelector, TelemetryError> {
    let section = item.section()?;
    let selector = ViewSelector {
        instrument_name: section
            .read("instrument_name", |item| Ok(Pattern::new(&item.text()?.to_ascii_lowercase())))?,
        kind: section.read("instrument_type", |item| item.word(&KINDS))?,
        unit: section.read("unit", Item::text)?,
        meter_name: section.read("meter_name", Item::text)?,
        meter_version: section.read("meter_version", Item::text)?,
        meter_schema_url: section.read("meter_schema_url", Item::text)?,
    };
    section.finish()?;
    Ok(selector)
}

/// Returns the aggregation, or `None` for the default of the instrument.
fn aggregation(item: &Item<'_>) -> Result<Option<Aggregation>, TelemetryError> {
    let (name, options) = item.variant()?;
    let section = options.section()?;
    let aggregation = match name {
        "default" => None,
        "drop" => Some(Aggregation::Drop),
        "sum" => Some(Aggregation::Sum),
        "last_value" => Some(Aggregation::LastValue),
        "explicit_bucket_histogram" => Some(Aggregation::ExplicitBucketHistogram {
            boundaries: section.read_or("boundaries", BOUNDARIES.to_vec(), boundaries)?,
            record_min_max: section.read_or("record_min_max", true, Item::boolean)?,
        }),
        "base2_exponential_bucket_histogram" => Some(Aggregation::Base2ExponentialHistogram {
            max_size: section.read_or("max_size", 160, |item| item.integer(2..=10_000))?,
            max_scale: section.read_or("max_scale", 20, |item| item.integer(-10..=20))?,
            record_min_max: section.read_or("record_min_max", true, Item::boolean)?,
        }),
        _ => {
            return Err(options.refused(
                "unknown aggregation: expected default, drop, sum, last_value, \
                 explicit_bucket_histogram or base2_exponential_bucket_histogram",
            ));
        }
    };
    section.finish()?;
    Ok(aggregation)
}

fn boundaries(item: &Item<'_>) -> Result<Vec<f64>, TelemetryError> {
    let numbers = item.items()?;
    let numbers = numbers.iter().map(Item::number).collect::<Result<Vec<_>, _>>()?;
    match numbers.is_sorted_by(|lower, upper| lower < upper) {
        true => Ok(numbers),
        false => Err(item.expected("numbers in ascending order")),
    }
}

/// Returns the attributes that are kept. The SDK has a list of them, without patterns.
fn attribute_keys(item: &Item<'_>) -> Result<Option<Vec<String>>, TelemetryError> {
    let patterns = KeyPatterns::read(item)?;
    match patterns.as_keys() {
        Some(keys) => Ok(Some(keys)),
        None if patterns == KeyPatterns::default() => Ok(None),
        None => {
            let problem = "excluded keys and wildcards are not supported";
            item.ignore(item.refused(problem)).map(|()| None)
        }
    }
}
