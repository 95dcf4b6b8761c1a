//! Charts as SVG.

use maud::{Markup, html};

use super::text::{number, show};
use crate::{
    analysis::{Line, Window},
    model::{Nanos, format_time},
};

/// Returns a small chart of counts, with failures in the foreground.
pub(in crate::pages) fn sparkline(counts: &[u32], failures: &[u32]) -> Markup {
    let highest = counts.iter().copied().max().unwrap_or(0).max(1);
    let height = |count: u32| f64::from(count) / f64::from(highest) * 22.0;
    let bars = counts.iter().zip(failures).enumerate().filter(|(_, (count, _))| **count > 0);
    html! {
        svg.spark viewBox=(format!("0 0 {} 24", counts.len() * 4)) width="150" height="24"
            preserveAspectRatio="none" aria-hidden="true" {
            @for (index, (count, failed)) in bars {
                @let tall = height(*count).max(1.5);
                rect x=(index * 4) y=(format!("{:.1}", 24.0 - tall)) width="3"
                    height=(format!("{tall:.1}")) {}
                @if *failed > 0 {
                    @let tall = height(*failed).max(1.5);
                    rect.failed x=(index * 4) y=(format!("{:.1}", 24.0 - tall)) width="3"
                        height=(format!("{tall:.1}")) {}
                }
            }
        }
    }
}

/// Returns a chart of all requests. Each bar is a link to its traces.
pub(in crate::pages) fn histogram(counts: &[u32], failures: &[u32], window: Window) -> Markup {
    let highest = counts.iter().copied().max().unwrap_or(0).max(1);
    let height = |count: u32| f64::from(count) / f64::from(highest) * 88.0;
    let length = window.to.saturating_sub(window.from) / counts.len().max(1) as u64;
    let from = |index: usize| window.from.saturating_add(length.saturating_mul(index as u64));
    html! {
        figure.histogram {
            svg viewBox=(format!("0 0 {} 92", counts.len() * 10)) preserveAspectRatio="none"
                role="group"
                aria-label="Requests over time; each bar leads to its traces" {
                line.grid x1="0" x2=(counts.len() * 10) y1="91.5" y2="91.5" {}
                @for (index, (count, failed)) in counts.iter().zip(failures).enumerate() {
                    @if *count > 0 {
                        a href=(format!("traces?from={}&to={}", from(index), from(index + 1))) {
                            title {
                                (count) " requests, " (failed) " failed, from "
                                (format_time(from(index)))
                            }
                            rect.hit x=(index * 10) y="0" width="10" height="92" {}
                            rect x=(index * 10 + 1)
                                y=(format!("{:.1}", 91.0 - height(*count).max(2.0)))
                                width="8" height=(format!("{:.1}", height(*count).max(2.0))) {}
                            @if *failed > 0 {
                                rect.failed x=(index * 10 + 1)
                                    y=(format!("{:.1}", 91.0 - height(*failed).max(2.0)))
                                    width="8" height=(format!("{:.1}", height(*failed).max(2.0))) {}
                            }
                        }
                    }
                }
            }
            figcaption {
                span { (short(window.from)) }
                span { "highest: " (highest) " per interval" }
                span { (short(window.to)) }
            }
        }
    }
}

fn short(time: Nanos) -> String {
    format_time(time)[11..19].to_owned()
}

/// Returns a line chart with its legend. Exemplars are links to their traces.
pub(in crate::pages) fn lines(
    lines: &[Line],
    exemplars: &[(Nanos, f64, String)],
    unit: &str,
) -> Markup {
    let points = || lines.iter().flat_map(|line| &line.points);
    let (first, last) = points()
        .fold((Nanos::MAX, 0), |(first, last), (time, _)| (first.min(*time), last.max(*time)));
    let highest = points().map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
    let lowest = points().map(|(_, value)| *value).fold(0.0, f64::min);
    let x = |time: Nanos| {
        if first == last {
            return 500.0;
        }
        let length = last.saturating_sub(first).max(1) as f64;
        time.saturating_sub(first) as f64 / length * 1000.0
    };
    let y = |value: f64| 200.0 - (value - lowest) / (highest - lowest) * 190.0;
    let path = |line: &Line| {
        let steps =
            line.points.iter().map(|(time, value)| format!("{:.1} {:.1}", x(*time), y(*value)));
        format!("M{}", steps.collect::<Vec<_>>().join("L"))
    };
    let shown = exemplars.iter().filter(|(time, value, _)| {
        (first..=last).contains(time) && (lowest..=highest).contains(value)
    });
    html! {
        figure.lines {
            div.axis { span { (number(highest)) " " (unit) } span { (number(lowest)) } }
            svg viewBox="0 0 1000 204" preserveAspectRatio="none" role="group"
                aria-label="Values over time" {
                @for height in [10, 105, 200] {
                    line.grid x1="0" x2="1000" y1=(height) y2=(height) {}
                }
                @for (index, line) in lines.iter().enumerate() {
                    path class=(format!("line l{index}")) d=(path(line)) {
                        title { (show(&line.label, 200)) }
                    }
                    @if line.points.len() == 1 {
                        @for (time, value) in &line.points {
                            circle class=(format!("dot l{index}")) cx=(x(*time)) cy=(y(*value))
                                r="3" {}
                        }
                    }
                }
                @for (time, value, trace) in shown {
                    a href=(format!("traces/{trace}")) {
                        title { "Exemplar: " (number(*value)) " " (unit) ", trace " (trace) }
                        rect.exemplar x=(format!("{:.1}", x(*time) - 3.0))
                            y=(format!("{:.1}", y(*value) - 3.0)) width="6" height="6" {}
                    }
                }
            }
            figcaption { span { (short(first)) } span { (short(last)) } }
        }
        (legend(lines))
    }
}

fn legend(lines: &[Line]) -> Markup {
    let value = |value: Option<f64>| value.map_or_else(String::new, number);
    html! {
        table.legend {
            thead { tr { th { "Series" } th.n { "Last" } th.n { "Highest" } } }
            tbody {
                @for (index, line) in lines.iter().enumerate() {
                    @let values = line.points.iter().map(|(_, value)| *value);
                    tr {
                        td {
                            span class=(format!("swatch l{index}")) {}
                            " "
                            @if line.label.is_empty() { "(no attributes)" }
                            (show(&line.label, 200))
                        }
                        td.n { (value(values.clone().next_back())) }
                        td.n { (value(values.reduce(f64::max))) }
                    }
                }
            }
        }
    }
}
