//! Lines of a metric chart.

use super::overview::Window;
use crate::{
    model::{Histogram, MetricKind, Nanos, PointValue, Sample},
    store::{Instrument, Series},
};

/// Maximum number of lines of a chart.
const MOST_LINES: usize = 12;

/// Line of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Attributes of the series, or a quantile.
    pub label: String,
    /// Times and values.
    pub points: Vec<(Nanos, f64)>,
}

/// Returns the lines of a metric: values of gauges, rates per second of counters, percentiles of
/// histograms, in a window. Percentiles are estimates from the bounds of the buckets.
pub fn metric_lines(instrument: &Instrument, window: Window) -> Vec<Line> {
    let lines = instrument.series.iter().flat_map(|series| series_lines(instrument.kind, series));
    let lines = lines.map(|mut line| {
        line.points.retain(|(time, _)| window.contains(*time));
        line
    });
    lines.filter(|line| !line.points.is_empty()).take(MOST_LINES).collect()
}

fn series_lines(kind: MetricKind, series: &Series) -> Vec<Line> {
    let label = label(series);
    match kind {
        MetricKind::Gauge | MetricKind::Sum { monotonic: false, .. } => {
            vec![Line { label, points: numbers(series).collect() }]
        }
        MetricKind::Sum { monotonic: true, .. } => {
            vec![Line { label, points: rates(kind, series) }]
        }
        MetricKind::Histogram { .. } => [0.5, 0.95, 0.99]
            .map(|quantile| Line {
                label: format!("p{} {label}", quantile * 100.0).trim_end().to_owned(),
                points: quantiles(kind, series, quantile),
            })
            .into(),
        MetricKind::Summary => vec![Line { label, points: medians(series) }],
    }
}

fn label(series: &Series) -> String {
    let pairs = series.attributes.iter().map(|(key, value)| format!("{key}={}", value.text()));
    pairs.collect::<Vec<_>>().join(" ")
}

fn numbers(series: &Series) -> impl Iterator<Item = (Nanos, f64)> {
    series.samples.iter().filter_map(|sample| match sample.value {
        PointValue::Number(number) if number.is_finite() => Some((sample.time, number)),
        _ => None,
    })
}

/// Returns the rates between points. A value below the previous one is the first of a new process.
fn rates(kind: MetricKind, series: &Series) -> Vec<(Nanos, f64)> {
    let points: Vec<_> = numbers(series).collect();
    let rate = |pair: &[(Nanos, f64)]| {
        let seconds = pair[1].0.saturating_sub(pair[0].0) as f64 / 1e9;
        let is_reset = pair[1].1 < pair[0].1;
        let since = if kind.is_cumulative() && !is_reset { pair[0].1 } else { 0.0 };
        (seconds > 0.0).then(|| (pair[1].0, (pair[1].1 - since) / seconds))
    };
    points.windows(2).filter_map(rate).collect()
}

fn quantiles(kind: MetricKind, series: &Series, quantile: f64) -> Vec<(Nanos, f64)> {
    let mut last: Option<&Histogram> = None;
    let mut points = Vec::new();
    for Sample { time, value, .. } in &series.samples {
        let PointValue::Histogram(histogram) = value else { continue };
        let since = last.filter(|_| kind.is_cumulative());
        if let Some(value) = estimate(histogram, since, quantile) {
            points.push((*time, value));
        }
        last = Some(histogram);
    }
    points
}

/// Interpolates the quantile within the bucket that contains it.
fn estimate(histogram: &Histogram, since: Option<&Histogram>, quantile: f64) -> Option<f64> {
    let since =
        since.filter(|since| since.bounds == histogram.bounds && since.count <= histogram.count);
    let before =
        |index: usize| since.and_then(|since| since.counts.get(index)).copied().unwrap_or(0);
    let counts: Vec<u64> = histogram
        .counts
        .iter()
        .enumerate()
        .map(|(index, count)| count.saturating_sub(before(index)))
        .collect();
    let total = counts.iter().fold(0u64, |sum, count| sum.saturating_add(*count));
    let target = quantile * total as f64;
    let mut below = 0.0;
    for (index, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let count = *count as f64;
        if below + count >= target {
            let last = histogram.bounds.last().copied()?;
            let lower = if index == 0 { 0.0 } else { histogram.bounds[index - 1] };
            let upper = histogram.bounds.get(index).copied().unwrap_or(last);
            return Some(lower + (upper - lower) * (target - below) / count);
        }
        below += count;
    }
    None
}

fn medians(series: &Series) -> Vec<(Nanos, f64)> {
    let median = |sample: &Sample| match &sample.value {
        PointValue::Summary(_, _, quantiles) => quantiles
            .iter()
            .find(|(quantile, _)| *quantile >= 0.5)
            .map(|(_, value)| (sample.time, *value)),
        _ => None,
    };
    series.samples.iter().filter_map(median).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_interpolated_since_the_last_point() {
        let histogram = |counts: [u64; 3]| Histogram {
            count: counts.iter().sum(),
            sum: None,
            bounds: [1.0, 2.0].into(),
            counts: counts.into(),
        };
        let (before, after) = (histogram([100, 0, 0]), histogram([100, 10, 0]));
        assert_eq!(estimate(&after, Some(&before), 0.5), Some(1.5));
        assert_eq!(estimate(&before, Some(&before), 0.5), None);
        assert_eq!(estimate(&histogram([0, 0, 4]), None, 0.5), Some(2.0));
    }
}
