//! Rules about a family: OpenMetrics 1.0, "Metric types", and Prometheus, "Text format details".

use std::collections::{BTreeMap, BTreeSet};

use super::{Family, Format, line::Sample};

/// Largest size of the labels of an exemplar, in characters.
const MAX_EXEMPLAR: usize = 128;

/// Returns the suffixes of the samples of a family.
fn suffixes(kind: &str, format: Format) -> &'static [&'static str] {
    match (kind, format) {
        ("counter", Format::OpenMetrics) => &["_total"],
        ("info", _) => &["_info"],
        ("histogram", _) => &["_bucket", "_count", "_sum"],
        ("summary", _) => &["", "_count", "_sum"],
        _ => &[""],
    }
}

/// Returns the part of the name of a sample behind that of its family, if the type has it.
pub(super) fn suffix<'a>(family: &Family, name: &'a str, format: Format) -> Option<&'a str> {
    let kind = family.kind.as_deref().unwrap_or("unknown");
    let suffix = name.strip_prefix(&*family.name)?;
    suffixes(kind, format).contains(&suffix).then_some(suffix)
}

/// Returns the names that no other family can have: its own, and those of its samples.
pub(super) fn reserved_names(family: &Family, format: Format) -> BTreeSet<String> {
    let kind = family.kind.as_deref().unwrap_or("unknown");
    let names = suffixes(kind, format).iter().map(|suffix| format!("{}{suffix}", family.name));
    names.chain([family.name.clone()]).collect()
}

pub(super) fn check(family: &Family, format: Format) -> Result<(), String> {
    let kind = family.kind.as_deref().ok_or("no type")?;
    if let Some(unit) = &family.unit
        && !family.name.ends_with(&format!("_{unit}"))
    {
        return Err(format!("the name does not end with the unit {unit}"));
    }
    let mut seen = BTreeSet::new();
    for sample in &family.samples {
        let suffix = suffix(family, &sample.name, format).ok_or("a sample of another family")?;
        let mut labels = sample.labels.clone();
        labels.sort();
        if !seen.insert((suffix, labels)) {
            return Err(format!("a series is there twice: {sample:?}"));
        }
        check_sample(kind, suffix, sample)?;
    }
    match kind {
        "histogram" => histograms(family, format),
        _ => Ok(()),
    }
}

fn check_sample(kind: &str, suffix: &str, sample: &Sample) -> Result<(), String> {
    let has = |name: &str| sample.labels.iter().any(|(label, _)| label == name);
    let fits = match (kind, suffix) {
        ("counter", _) | ("histogram", "_bucket" | "_count") => sample.value >= 0.0,
        ("info", _) => sample.value == 1.0,
        _ => true,
    };
    let is_labelled = match (kind, suffix) {
        ("histogram", "_bucket") => has("le"),
        ("histogram", _) => !has("le"),
        ("summary", "") => has("quantile"),
        _ => true,
    };
    let reserved = sample.labels.iter().find(|(name, _)| name.starts_with("__"));
    let exemplar = sample.exemplar.iter().flatten();
    let length: usize =
        exemplar.map(|(name, value)| name.chars().count() + value.chars().count()).sum();
    let may_have_exemplar = sample.exemplar.is_none() || matches!(suffix, "_bucket" | "_total");
    match () {
        () if !fits => Err(format!("a value is out of range: {sample:?}")),
        () if !is_labelled => Err(format!("a label of the type is wrong: {sample:?}")),
        () if reserved.is_some() => Err(format!("a label is reserved: {sample:?}")),
        () if !may_have_exemplar => Err(format!("an exemplar: {sample:?}")),
        () if length > MAX_EXEMPLAR => Err(format!("an exemplar is too long: {sample:?}")),
        () => Ok(()),
    }
}

/// Samples of one series of a histogram.
#[derive(Default)]
struct Series {
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: Option<f64>,
}

/// "Buckets MUST be sorted in number increasing order of `le`", are cumulative, and the last one is
/// `+Inf` and has the count.
fn histograms(family: &Family, format: Format) -> Result<(), String> {
    let mut all: BTreeMap<Vec<(String, String)>, Series> = BTreeMap::new();
    for sample in &family.samples {
        let (le, mut labels): (Vec<_>, Vec<_>) =
            sample.labels.iter().cloned().partition(|(name, _)| name == "le");
        labels.sort();
        let series = all.entry(labels).or_default();
        match suffix(family, &sample.name, format) {
            Some("_count") => series.count = Some(sample.value),
            Some("_sum") => series.sum = Some(sample.value),
            _ => {
                let bound = le.first().map_or("", |(_, bound)| bound);
                let bound = if bound == "+Inf" { "inf" } else { bound };
                let bound = bound.parse().map_err(|_| format!("the bound {bound:?}"))?;
                series.buckets.push((bound, sample.value));
            }
        }
    }
    for (labels, series) in &all {
        let is_sorted = series.buckets.is_sorted_by(|a, b| a.0 < b.0 && a.1 <= b.1);
        let last = series.buckets.last();
        let ends_well = last.is_some_and(|(bound, count)| {
            *bound == f64::INFINITY && series.count.is_none_or(|all| all == *count)
        });
        if !is_sorted || !ends_well || series.count.is_some() != series.sum.is_some() {
            return Err(format!("the series {labels:?} has {:?}", series.buckets));
        }
    }
    Ok(())
}
