use std::collections::{BTreeMap, HashMap, HashSet};

use prometheus::proto::{Metric, MetricFamily, MetricType};

use super::{
    family::{Labels, TARGET_INFO, sorted_labels},
    name::{self, is_label_name, is_metric_name},
};
use crate::export::prometheus::registry::notices::WarnOnce;

/// Attribute of the series that the SDK uses for all series above the limit of an instrument.
const OVERFLOW: &str = "otel_metric_overflow";

/// Families of one scrape, all of which can be encoded. Parts for which Prometheus would refuse the
/// whole scrape are omitted and logged.
///
/// `prometheus::Registry::gather` merges families of one name, even if their types differ.
#[derive(Default)]
pub(crate) struct FamilyMerger {
    families: BTreeMap<String, MergedFamily>,
    /// Every possible sample name, with the name of its family.
    names: HashMap<String, String>,
}

struct MergedFamily {
    family: MetricFamily,
    series: HashSet<Labels>,
}

impl FamilyMerger {
    /// Adds `family`. If a name is already taken, the first family is kept.
    pub(crate) fn add(&mut self, mut family: MetricFamily, notices: &WarnOnce) {
        if family.get_metric().is_empty() {
            return;
        }
        if let Err(reason) = self.check(&family) {
            notices.skipped(family.name(), &reason);
            return;
        }
        let metrics = family.take_metric();
        let gathered = self.gathered(family);
        for metric in metrics {
            match gathered.check(&metric) {
                Ok(series) => gathered.push(series, metric, notices),
                Err(reason) => notices.skipped(gathered.family.name(), reason),
            }
        }
    }

    pub(crate) fn into_families(self) -> Vec<MetricFamily> {
        let families = self.families.into_values().map(|gathered| gathered.family);
        families.filter(|family| !family.get_metric().is_empty()).collect()
    }

    fn gathered(&mut self, family: MetricFamily) -> &mut MergedFamily {
        let name = family.name().to_owned();
        for taken in names(&family) {
            self.names.insert(taken, name.clone());
        }
        let new = || MergedFamily { family, series: HashSet::new() };
        self.families.entry(name).or_insert_with(new)
    }

    fn check(&self, family: &MetricFamily) -> Result<(), String> {
        if !is_metric_name(family.name()) {
            return Err("its name is invalid".to_owned());
        }
        if family.get_field_type() == MetricType::UNTYPED {
            return Err("it has no type".to_owned());
        }
        if let Some(known) = self.families.get(family.name()) {
            return match known.family.get_field_type() == family.get_field_type() {
                true => Ok(()),
                false => Err("a metric of another type has its name".to_owned()),
            };
        }
        match names(family).iter().find_map(|name| self.names.get(name)) {
            Some(other) => Err(format!("it clashes with the metric {other:?}")),
            None => Ok(()),
        }
    }
}

impl MergedFamily {
    fn push(&mut self, series: Labels, metric: Metric, notices: &WarnOnce) {
        if series.iter().any(|(name, _)| name == OVERFLOW) {
            notices.overflowed(self.family.name());
        }
        self.series.insert(series);
        self.family.mut_metric().push(metric);
    }

    fn check(&self, metric: &Metric) -> Result<Labels, &'static str> {
        let kind = self.family.get_field_type();
        let series = sorted_labels(metric);
        if !series.iter().all(|(name, _)| is_label_name(name) && !is_reserved_label(name, kind)) {
            return Err("the name of a label is invalid");
        }
        if series.windows(2).any(|labels| labels[0].0 == labels[1].0) {
            return Err("a label is there twice");
        }
        if self.series.contains(&series) {
            return Err("two samples have the same labels");
        }
        // False for NaN as well.
        let is_counted = metric.get_counter().get_value() >= 0.0;
        if kind == MetricType::COUNTER && !is_counted {
            return Err("a counter is negative or not a number");
        }
        Ok(series)
    }
}

/// Whether the encoder adds this label itself.
fn is_reserved_label(label: &str, kind: MetricType) -> bool {
    match kind {
        MetricType::HISTOGRAM => label == "le",
        MetricType::SUMMARY => label == "quantile",
        _ => false,
    }
}

/// Returns every name that samples of a family have: OpenMetrics forbids two families that share
/// one.
pub(crate) fn sample_names(name: &str, kind: MetricType) -> Vec<String> {
    let suffixes: &[&str] = match kind {
        MetricType::COUNTER => &["", "_total", "_created"],
        MetricType::HISTOGRAM => &["", "_bucket", "_count", "_sum", "_created"],
        MetricType::SUMMARY => &["", "_count", "_sum", "_created"],
        _ if name == TARGET_INFO => return vec!["target".to_owned(), TARGET_INFO.to_owned()],
        _ => &[""],
    };
    let base = match kind {
        MetricType::COUNTER => name::base(name),
        _ => name,
    };
    suffixes.iter().map(|suffix| format!("{base}{suffix}")).collect()
}

fn names(family: &MetricFamily) -> Vec<String> {
    sample_names(family.name(), family.get_field_type())
}

#[cfg(test)]
mod tests {
    use crate::export::prometheus::format::family::{count, counter, gauge};
    use crate::export::prometheus::format::family_merge::*;

    fn gathered(families: Vec<MetricFamily>) -> (Vec<String>, u64) {
        let notices = WarnOnce::default();
        let mut gathering = FamilyMerger::default();
        families.into_iter().for_each(|family| gathering.add(family, &notices));
        let text = prometheus::TextEncoder::new();
        let samples = text.encode_to_string(&gathering.into_families()).unwrap();
        let is_sample = |line: &&str| !line.starts_with('#');
        let lines = samples.lines().filter(is_sample).map(str::to_owned).collect();
        (lines, notices.count())
    }

    #[test]
    fn families_of_one_name_and_type_are_joined() {
        let one = counter("a_total", "A.", vec![count(1.0, &[("x", "1")])]);
        let other = counter("a_total", "Another.", vec![count(2.0, &[("x", "2")])]);
        let (lines, skipped) = gathered(vec![one, other]);
        assert_eq!(lines, ["a_total{x=\"1\"} 1", "a_total{x=\"2\"} 2"]);
        assert_eq!(skipped, 0);
    }

    #[test]
    fn the_first_type_of_a_name_counts() {
        let other = counter("a", "A.", vec![count(2.0, &[])]);
        assert_eq!(gathered(vec![gauge("a", "A.", 1.0), other]), (vec!["a 1".to_owned()], 1));
    }

    #[test]
    fn the_first_sample_of_a_series_counts() {
        let labels = [("x", "1"), ("y", "2")];
        let one = counter("a_total", "A.", vec![count(1.0, &labels)]);
        let swapped = counter("a_total", "A.", vec![count(2.0, &[("y", "2"), ("x", "1")])]);
        let (lines, skipped) = gathered(vec![one, swapped]);
        assert_eq!((&*lines[0], lines.len(), skipped), ("a_total{x=\"1\",y=\"2\"} 1", 1, 1));
    }

    #[test]
    fn names_that_openmetrics_makes_one_are_told_apart() {
        let total = || counter("a_total", "A.", vec![count(1.0, &[])]);
        for other in ["a", "a_created"] {
            assert_eq!(gathered(vec![total(), gauge(other, "A.", 1.0)]).1, 1, "{other}");
            assert_eq!(gathered(vec![gauge(other, "A.", 1.0), total()]).1, 1, "{other}");
        }
        assert_eq!(gathered(vec![total(), gauge("a_sum", "A.", 1.0)]).1, 0);
    }

    #[test]
    fn what_cannot_be_encoded_is_left_out() {
        let mut untyped = gauge("untyped", "U.", 1.0);
        untyped.set_field_type(MetricType::UNTYPED);
        let families = vec![
            untyped,
            gauge("in valid", "I.", 1.0),
            counter("label", "L.", vec![count(1.0, &[("a b", "1")])]),
            counter("twice", "T.", vec![count(1.0, &[("a", "1"), ("a", "2")])]),
            counter("negative", "N.", vec![count(-1.0, &[])]),
            counter("nan", "N.", vec![count(f64::NAN, &[])]),
            gauge("good", "G.", 7.0),
        ];
        assert_eq!(gathered(families), (vec!["good 7".to_owned()], 6));
    }
}
