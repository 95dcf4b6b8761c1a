//! Exemplars by the labels of their series.

use std::{collections::HashMap, sync::Arc};

use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::metrics::InstrumentKind;

use super::{family::Labels, name};
use crate::metrics::exemplars::{Exemplars, HistogramExemplars, SeriesExemplars};

/// Returns the exemplars of every series of a family, by its labels in the order of their names.
pub(super) fn of_family(
    exemplars: &Exemplars,
    family: &str,
) -> HashMap<Labels, Arc<SeriesExemplars>> {
    let is_of_family = |histogram: &Arc<HistogramExemplars>| {
        name::metric_name(histogram.name(), histogram.unit(), InstrumentKind::Histogram) == family
    };
    let histograms = exemplars.histograms().into_iter().filter(is_of_family);
    histograms.flat_map(|histogram| exposed(&histogram)).collect()
}

fn exposed(histogram: &HistogramExemplars) -> Vec<(Labels, Arc<SeriesExemplars>)> {
    let scope = scope_labels(histogram.scope());
    let label = |it: &KeyValue| (name::label_name(it.key.as_str()), it.value.to_string());
    let exposed = histogram.all_series().into_iter().map(|(attributes, series)| {
        let mut labels: Labels = attributes.iter().map(label).collect();
        labels.extend_from_slice(&scope);
        labels.sort();
        (labels, series)
    });
    exposed.collect()
}

fn scope_labels(scope: &InstrumentationScope) -> Labels {
    let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let version = scope.version().map(|version| label("otel_scope_version", version));
    let schema = scope.schema_url().map(|url| label("otel_scope_schema_url", url));
    let name = label("otel_scope_name", scope.name());
    [Some(name), version, schema].into_iter().flatten().collect()
}
