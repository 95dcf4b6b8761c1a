use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};

/// Name of the metric with the resource attributes. OpenMetrics has a separate type for it, and
/// names it `target`.
pub(crate) const TARGET_INFO: &str = "target_info";

/// Label names and values, sorted by name.
pub(crate) type Labels = Vec<(String, String)>;

pub(crate) fn sorted_labels(metric: &Metric) -> Labels {
    let owned = |label: &LabelPair| (label.name().to_owned(), label.value().to_owned());
    let mut labels: Labels = metric.get_label().iter().map(owned).collect();
    labels.sort();
    labels
}

pub(crate) fn counter(name: &str, help: &str, metrics: Vec<Metric>) -> MetricFamily {
    family(MetricType::COUNTER, name, help, metrics)
}

pub(crate) fn gauge(name: &str, help: &str, value: f64) -> MetricFamily {
    let mut metric = Metric::default();
    let mut gauge = Gauge::default();
    gauge.set_value(value);
    metric.set_gauge(gauge);
    family(MetricType::GAUGE, name, help, vec![metric])
}

pub(crate) fn count(value: f64, labels: &[(&str, &str)]) -> Metric {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let mut metric = metric(labels.iter().map(owned).collect());
    let mut counter = Counter::default();
    counter.set_value(value);
    metric.set_counter(counter);
    metric
}

/// Returns a series with these labels and no value.
pub(crate) fn metric(labels: Labels) -> Metric {
    let mut metric = Metric::default();
    metric.set_label(labels.into_iter().map(label).collect());
    metric
}

fn label((name, value): (String, String)) -> LabelPair {
    let mut label = LabelPair::default();
    label.set_name(name);
    label.set_value(value);
    label
}

pub(crate) fn family(
    kind: MetricType,
    name: &str,
    help: &str,
    metrics: Vec<Metric>,
) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}
