//! Client of the HTTP API of Prometheus.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::{SourceError, http::Api};
use crate::{
    analysis::Window,
    model::{
        Attributes, Histogram, MetricKind, MetricPoint, Nanos, PointValue, Resource, Sample, Value,
        now,
    },
    store::{InstrumentKey, Store},
};

/// Maximum number of points of a series.
const MOST_POINTS: u64 = 240;
/// Minimum interval between two points, in nanoseconds.
const SHORTEST_STEP: Nanos = 5_000_000_000;
/// Length of the window if the page has none, in nanoseconds.
const DEFAULT_WINDOW: Nanos = 3_600_000_000_000;
const SECOND: f64 = 1e9;

/// Prometheus as a source.
#[derive(Clone, Debug)]
pub(super) struct Prometheus(Api);

/// Type, help and unit of a metric, by its name.
type Metadata = HashMap<String, Vec<Description>>;

#[derive(Clone, Debug, Default, Deserialize)]
struct Description {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    help: String,
    #[serde(default)]
    unit: String,
}

#[derive(Deserialize)]
struct Answer<T> {
    data: T,
}

#[derive(Deserialize)]
struct Found {
    result: Vec<Series>,
}

/// Series of an instant query or of a range.
#[derive(Deserialize)]
struct Series {
    metric: BTreeMap<String, String>,
    value: Option<(f64, String)>,
    #[serde(default)]
    values: Vec<(f64, String)>,
}

/// Role of a metric, by its suffix in Prometheus.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// Metric with one value for each series.
    Whole,
    /// Number of measurements of this histogram or summary.
    Count(String),
    /// Part of a histogram or summary other than its count.
    Other,
}

impl Prometheus {
    pub(super) fn new(address: &str) -> Result<Self, String> {
        Api::new(address).map(Self)
    }

    pub(super) fn address(&self) -> &str {
        self.0.address()
    }

    /// Stores the sum of each metric of each job.
    pub(super) async fn instruments(&self, store: &Store) -> Result<(), SourceError> {
        let metadata = self.metadata().await?;
        let query = "sum by (__name__, job) ({__name__!=\"\"})".to_owned();
        let found: Option<Answer<Found>> = self.0.get("/api/v1/query", &[("query", query)]).await?;
        let series = found.map(|found| found.data.result).unwrap_or_default();
        let points = series.into_iter().filter_map(|series| {
            let name = series.metric.get("__name__")?;
            let (name, kind) = match part(name, &metadata) {
                Part::Whole => (name.clone(), kind(name, &metadata)),
                Part::Count(of) => (of.clone(), kind(&of, &metadata)),
                Part::Other => return None,
            };
            let (time, value) = series.value?;
            let value = point_value(kind, value.parse().ok()?);
            Some(point(&metadata, &series.metric, &name, kind, (nanos(time), value)))
        });
        store.add_points(points.collect());
        Ok(())
    }

    /// Stores the series of a metric in a window.
    pub(super) async fn metric(
        &self,
        store: &Store,
        key: &InstrumentKey,
        window: Window,
    ) -> Result<(), SourceError> {
        let metadata = self.metadata().await?;
        let kind = kind(&key.name, &metadata);
        let name = match kind {
            MetricKind::Histogram { .. } => format!("{}_bucket", key.name),
            _ => key.name.to_string(),
        };
        let series = self.range(&name, &key.service, window).await?;
        let points = match kind {
            MetricKind::Histogram { .. } => histograms(&metadata, key, series),
            MetricKind::Summary => lines(&metadata, key, MetricKind::Gauge, series),
            _ => lines(&metadata, key, kind, series),
        };
        store.add_points(points);
        Ok(())
    }

    async fn metadata(&self) -> Result<Metadata, SourceError> {
        let answer: Option<Answer<Metadata>> = self.0.get("/api/v1/metadata", &[]).await?;
        Ok(answer.map(|answer| answer.data).unwrap_or_default())
    }

    async fn range(
        &self,
        name: &str,
        job: &str,
        window: Window,
    ) -> Result<Vec<Series>, SourceError> {
        let to = window.to.min(now());
        let from = if window.from == 0 { to.saturating_sub(DEFAULT_WINDOW) } else { window.from };
        let step = (to.saturating_sub(from) / MOST_POINTS).max(SHORTEST_STEP);
        let seconds = |time: Nanos| format!("{:.3}", time as f64 / SECOND);
        let query = [
            ("query", format!("{{__name__=\"{}\",job=\"{}\"}}", escape(name), escape(job))),
            ("start", seconds(from)),
            ("end", seconds(to)),
            ("step", seconds(step)),
        ];
        let found: Option<Answer<Found>> = self.0.get("/api/v1/query_range", &query).await?;
        Ok(found.map(|found| found.data.result).unwrap_or_default())
    }
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn nanos(seconds: f64) -> Nanos {
    (seconds * SECOND) as Nanos
}

fn description<'a>(name: &str, metadata: &'a Metadata) -> Option<&'a Description> {
    let known = |name: &str| metadata.get(name)?.first();
    known(name).or_else(|| known(name.strip_suffix("_total")?))
}

fn kind(name: &str, metadata: &Metadata) -> MetricKind {
    match description(name, metadata).map(|description| &*description.kind) {
        Some("counter") => MetricKind::Sum { monotonic: true, cumulative: true },
        Some("histogram") => MetricKind::Histogram { cumulative: true },
        Some("summary") => MetricKind::Summary,
        None if name.ends_with("_total") => MetricKind::Sum { monotonic: true, cumulative: true },
        _ => MetricKind::Gauge,
    }
}

fn part(name: &str, metadata: &Metadata) -> Part {
    let of = |suffix: &str| {
        let base = name.strip_suffix(suffix)?;
        let is_composed =
            matches!(kind(base, metadata), MetricKind::Histogram { .. } | MetricKind::Summary);
        (is_composed && description(base, metadata).is_some()).then(|| base.to_owned())
    };
    if let Some(base) = of("_count") {
        return Part::Count(base);
    }
    let is_quantile = kind(name, metadata) == MetricKind::Summary;
    match is_quantile || ["_sum", "_bucket", "_created"].iter().any(|suffix| of(suffix).is_some()) {
        true => Part::Other,
        false => Part::Whole,
    }
}

fn point_value(kind: MetricKind, value: f64) -> PointValue {
    match kind {
        MetricKind::Histogram { .. } => PointValue::Histogram(Box::new(Histogram {
            count: value as u64,
            sum: None,
            bounds: Box::default(),
            counts: [value as u64].into(),
        })),
        MetricKind::Summary => PointValue::Summary(value as u64, 0.0, Box::default()),
        _ => PointValue::Number(value),
    }
}

fn point(
    metadata: &Metadata,
    labels: &BTreeMap<String, String>,
    name: &str,
    kind: MetricKind,
    (time, value): (Nanos, PointValue),
) -> MetricPoint {
    let description = description(name, metadata).cloned().unwrap_or_default();
    let others = labels.iter().filter(|(key, _)| !["__name__", "job", "le"].contains(&&***key));
    let attributes = others.map(|(key, text)| ((**key).into(), Value::Text((**text).into())));
    MetricPoint {
        resource: Resource {
            service: labels.get("job").map_or("", |job| job).into(),
            attributes: Attributes::default(),
            schema_url: "".into(),
        }
        .into(),
        scope: Default::default(),
        name: name.into(),
        description: description.help.into(),
        unit: description.unit.into(),
        kind,
        attributes: attributes.collect(),
        sample: Sample { start: 0, time, value, exemplars: Box::default() },
    }
}

fn lines(
    metadata: &Metadata,
    key: &InstrumentKey,
    kind: MetricKind,
    series: Vec<Series>,
) -> Vec<MetricPoint> {
    let mut points = Vec::new();
    for Series { metric, values, .. } in series {
        let numbers =
            values.iter().filter_map(|(time, text)| Some((*time, text.parse::<f64>().ok()?)));
        for (time, number) in numbers.filter(|(_, number)| number.is_finite()) {
            let value = (nanos(time), PointValue::Number(number));
            points.push(point(metadata, &metric, &key.name, kind, value));
        }
    }
    points
}

/// Merges the series of the buckets. Counts in Prometheus include those of lower buckets.
fn histograms(metadata: &Metadata, key: &InstrumentKey, series: Vec<Series>) -> Vec<MetricPoint> {
    type Buckets = BTreeMap<Nanos, Vec<(f64, f64)>>;
    let mut groups: BTreeMap<BTreeMap<String, String>, Buckets> = BTreeMap::new();
    for Series { mut metric, values, .. } in series {
        let Some(bound) = metric.remove("le").and_then(|le| le.parse::<f64>().ok()) else {
            continue;
        };
        let group = groups.entry(metric).or_default();
        for (time, text) in values {
            if let Ok(count) = text.parse() {
                group.entry(nanos(time)).or_default().push((bound, count));
            }
        }
    }
    let kind = MetricKind::Histogram { cumulative: true };
    let mut points = Vec::new();
    for (labels, buckets) in groups {
        for (time, buckets) in buckets {
            let value = PointValue::Histogram(Box::new(histogram(buckets)));
            points.push(point(metadata, &labels, &key.name, kind, (time, value)));
        }
    }
    points
}

fn histogram(mut buckets: Vec<(f64, f64)>) -> Histogram {
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut below = 0.0;
    let counts: Vec<u64> = buckets
        .iter()
        .map(|(_, count)| {
            let own = (count - below).max(0.0) as u64;
            below = *count;
            own
        })
        .collect();
    let bounds: Vec<f64> =
        buckets.iter().map(|(bound, _)| *bound).filter(|it| it.is_finite()).collect();
    // The last bucket, which has no upper bound, is after the bounds.
    let counts = counts.into_iter().chain([0]).take(bounds.len() + 1).collect();
    Histogram { count: below as u64, sum: None, bounds: bounds.into(), counts }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata() -> Metadata {
        let of = |kind: &str| vec![Description { kind: kind.to_owned(), ..Description::default() }];
        [
            ("latency", "histogram"),
            ("orders", "counter"),
            ("quantiles", "summary"),
            ("depth", "gauge"),
        ]
        .map(|(name, kind)| (name.to_owned(), of(kind)))
        .into()
    }

    #[test]
    fn parts_of_a_histogram_are_one_metric() {
        let metadata = metadata();
        let part = |name: &str| part(name, &metadata);
        assert_eq!(part("latency_count"), Part::Count("latency".to_owned()));
        assert_eq!((part("latency_bucket"), part("quantiles")), (Part::Other, Part::Other));
        assert_eq!((part("queue_count"), part("depth")), (Part::Whole, Part::Whole));
        assert_eq!(
            kind("orders_total", &metadata),
            MetricKind::Sum { monotonic: true, cumulative: true }
        );
    }

    #[test]
    fn counts_of_lower_buckets_are_subtracted() {
        let found = histogram(vec![(f64::INFINITY, 10.0), (0.1, 2.0), (1.0, 7.0)]);
        assert_eq!(
            (&*found.bounds, &*found.counts, found.count),
            (&[0.1, 1.0][..], &[2, 5, 3][..], 10)
        );
        let without_last = histogram(vec![(0.1, 2.0)]);
        assert_eq!((&*without_last.bounds, &*without_last.counts), (&[0.1][..], &[2, 0][..]));
    }

    #[test]
    fn values_in_selectors_are_escaped() {
        assert_eq!(escape("a\"b\\c"), "a\\\"b\\\\c");
    }
}
