//! Exemplars by the labels of their series.

use std::{collections::HashMap, sync::Arc};

use opentelemetry_sdk::metrics::InstrumentKind;

use super::{family::Labels, labels, name};
use crate::metrics::exemplars::{Exemplars, HistogramExemplars, SeriesExemplars};

/// Returns the exemplars of every series of a family, by its labels in the order of their names.
pub(crate) fn of_family(
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
    let scope = labels::of_scope(histogram.scope());
    let exposed = histogram.all_series().into_iter().map(|(attributes, series)| {
        let mut labels = labels::of_series(attributes.iter().map(labels::pair), &scope);
        labels.sort();
        (labels, series)
    });
    exposed.collect()
}
