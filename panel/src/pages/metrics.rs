//! Metrics.

use maud::{Markup, html};

use super::{
    parts::chart::lines,
    parts::layout::{Choice, Page, empty, page, windows},
    parts::text::{color, encode, number, show},
};
use crate::{
    analysis::metric_lines,
    model::{MetricKind, PointValue},
    store::{Instrument, InstrumentKey, Series},
};

/// Returns the page with the list of metrics.
pub(crate) fn metrics_page<'a>(
    instruments: impl Iterator<Item = (&'a InstrumentKey, &'a Instrument)>,
) -> Page {
    let instruments: Vec<_> = instruments.take(2_000).collect();
    page(
        "metrics",
        "Metrics",
        None,
        html! {
            div.title { h1 { "Metrics" } }
            @if instruments.is_empty() {
                (empty("No metrics yet"))
            } @else {
                div.scroll {
                    table {
                        thead {
                            tr {
                                th { "Metric" }
                                th { "Kind" }
                                th { "Unit" }
                                th.n { "Series" }
                                th.n { "Last value" }
                            }
                        }
                        @for group in instruments.chunk_by(|a, b| a.0.service == b.0.service) {
                            tbody {
                                tr.service {
                                    th colspan="5" scope="rowgroup" {
                                        i class=(format!("chip c{}", color(&group[0].0.service))) {}
                                        (show(&group[0].0.service, 100))
                                    }
                                }
                                @for (key, instrument) in group { (row(key, instrument)) }
                            }
                        }
                    }
                }
            }
        },
    )
}

fn row(key: &InstrumentKey, instrument: &Instrument) -> Markup {
    let address = address(key);
    html! {
        tr data-row {
            td.name {
                a href=(address) { (show(&key.name, 120)) }
                div.dim { (show(&instrument.description, 160)) }
            }
            td { (instrument.kind.as_str()) }
            td { (show(&instrument.unit, 20)) }
            td.n { (instrument.series.len()) }
            td.n { (last(instrument)) }
        }
    }
}

fn address(key: &InstrumentKey) -> String {
    format!("metrics/show?service={}&name={}", encode(&key.service), encode(&key.name))
}

fn last(instrument: &Instrument) -> String {
    let values = instrument.series.iter().filter_map(|series| series.samples.back());
    let values = values.map(|sample| match &sample.value {
        PointValue::Number(value) => *value,
        PointValue::Histogram(histogram) => histogram.count as f64,
        PointValue::Summary(count, _, _) => *count as f64,
    });
    let sum = number(values.sum());
    match instrument.kind {
        MetricKind::Histogram { .. } | MetricKind::Summary => format!("{sum} measured"),
        _ => sum,
    }
}

/// Returns the page with the chart of a metric.
pub(crate) fn metric_page(key: &InstrumentKey, instrument: &Instrument, choice: &Choice) -> Page {
    let drawn = metric_lines(instrument, choice.window);
    let exemplars: Vec<_> = instrument.series.iter().flat_map(exemplars).take(200).collect();
    let unit = unit(instrument);
    page(
        "metrics",
        &key.name,
        None,
        html! {
            div.title {
                h1 {
                    i class=(format!("chip c{}", color(&key.service))) {}
                    (show(&key.service, 60)) " "
                    b { (show(&key.name, 120)) }
                }
                (windows(&address(key), "", choice))
            }
            p.dim { (show(&instrument.description, 400)) }
            p { (instrument.kind.as_str()) " · " (explanation(instrument.kind)) }
            @if drawn.is_empty() {
                section.empty {
                    h2 { "Too few points for a chart" } p { "A rate needs two points." }
                }
            } @else {
                (lines(&drawn, &exemplars, &unit))
                @if !exemplars.is_empty() {
                    p.dim { "Squares are exemplars: measurements that lead to their traces." }
                }
                @if instrument.series.len() > 12 {
                    p.dim {
                        "The chart shows the first 12 lines of " (instrument.series.len())
                        " series."
                    }
                }
            }
        },
    )
}

fn unit(instrument: &Instrument) -> String {
    let unit = show(&instrument.unit, 20);
    match instrument.kind {
        MetricKind::Sum { monotonic: true, .. } => format!("{unit}/s"),
        _ => unit,
    }
}

fn explanation(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::Gauge | MetricKind::Sum { monotonic: false, .. } => "values as they were sent",
        MetricKind::Sum { .. } => "rate per second between points",
        MetricKind::Histogram { .. } => "percentiles estimated from the buckets of the metric",
        MetricKind::Summary => "medians that the service computed",
    }
}

fn exemplars(series: &Series) -> impl Iterator<Item = (u64, f64, String)> {
    series
        .samples
        .iter()
        .flat_map(|sample| &sample.exemplars)
        .map(|exemplar| (exemplar.time, exemplar.value, exemplar.trace_id.to_string()))
}
