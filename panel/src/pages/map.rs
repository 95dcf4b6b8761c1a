//! Service map.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::{
    parts::layout::{Choice, Page, empty, page, windows},
    parts::text::{color, encode, number, show},
};
use crate::{
    analysis::{Edge, Map, Node},
    model::format_duration,
    query::quote,
};

const WIDTH: usize = 170;
const HEIGHT: usize = 46;
const GAP_X: usize = 130;
const GAP_Y: usize = 34;

/// Returns the page.
pub(crate) fn map_page(map: &Map, choice: &Choice) -> Page {
    page(
        "map",
        "Service map",
        None,
        html! {
            div.title { h1 { "Service map" } (windows("map", "", choice)) }
            @if map.nodes.is_empty() {
                (empty("No calls in this window"))
            } @else {
                (drawing(map))
                @if !map.edges.is_empty() { (table(map)) }
            }
        },
    )
}

/// Returns layer and position of each node. The first layer is on the left.
fn places(map: &Map) -> BTreeMap<&str, (usize, usize)> {
    let mut filled: BTreeMap<usize, usize> = BTreeMap::new();
    let mut places = BTreeMap::new();
    for node in &map.nodes {
        let row = filled.entry(node.layer).or_default();
        places
            .insert(&*node.name, (10 + node.layer * (WIDTH + GAP_X), 10 + *row * (HEIGHT + GAP_Y)));
        *row += 1;
    }
    places
}

fn drawing(map: &Map) -> Markup {
    let places = places(map);
    let width = places.values().map(|(x, _)| x + WIDTH + 10).max().unwrap_or(0);
    let height = places.values().map(|(_, y)| y + HEIGHT + 10).max().unwrap_or(0);
    html! {
        div.scroll.canvas {
            svg.map viewBox=(format!("0 0 {width} {height}")) width=(width) height=(height)
                role="group" aria-label="Services and calls; the table below has the figures" {
                @for edge in &map.edges {
                    @let (from, to) = (places[&*edge.from], places[&*edge.to]);
                    (arrow(edge, from, to, is_external(map, &edge.to)))
                }
                @for node in &map.nodes { (shape(node, places[&*node.name])) }
            }
        }
    }
}

fn is_external(map: &Map, name: &str) -> bool {
    map.nodes.iter().any(|node| node.external && node.name == name)
}

fn arrow(edge: &Edge, from: (usize, usize), to: (usize, usize), external: bool) -> Markup {
    let (x1, y1) = (from.0 + WIDTH, from.1 + HEIGHT / 2);
    let (x2, y2) = (to.0, to.1 + HEIGHT / 2);
    let middle = (x1 + x2) / 2;
    html! {
        a href=(calls(edge, external)) {
            title { (show(&edge.from, 60)) " → " (show(&edge.to, 60)) ": " (edge.count) " calls" }
            path class=(if edge.failed > 0 { "edge failed" } else { "edge" })
                d=(format!("M{x1} {y1}C{middle} {y1} {middle} {y2} {} {y2}", x2 - 6)) {}
            path class=(if edge.failed > 0 { "head failed" } else { "head" })
                d=(format!("M{} {}l7 4l-7 4z", x2 - 7, y2 - 4)) {}
            text x=(middle) y=((y1 + y2) / 2 - 5) text-anchor="middle" {
                (edge.count) " · p95 " (format_duration(edge.percentiles[1]))
            }
        }
    }
}

fn shape(node: &Node, (x, y): (usize, usize)) -> Markup {
    let address = match node.external {
        true => format!("traces?q={}", encode(&format!("kind:client {}", quote(&node.name)))),
        false => format!("traces?q={}", encode(&format!("service:{}", quote(&node.name)))),
    };
    html! {
        a href=(address) {
            rect class=(if node.external { "node external" } else { "node" }) x=(x) y=(y)
                width=(WIDTH) height=(HEIGHT) rx="7" {}
            rect class=(format!("c{}", color(&node.name))) x=(x) y=(y + 8) width="4"
                height=(HEIGHT - 16) {}
            text.label x=(x + 14) y=(y + 20) { (show(&node.name, 22)) }
            text x=(x + 14) y=(y + 36) {
                (node.spans)
                @if node.external { " calls" } @else { " spans" }
                @if node.failed > 0 { ", " (node.failed) " failed" }
            }
        }
    }
}

/// Returns the address of the requests that the callee handled, or of the calls if it sends no
/// telemetry.
fn calls(edge: &Edge, external: bool) -> String {
    let query = match external {
        true => format!("service:{} kind:client {}", quote(&edge.from), quote(&edge.to)),
        false => format!("service:{} kind:server", quote(&edge.to)),
    };
    format!("traces?q={}", encode(&query))
}

fn table(map: &Map) -> Markup {
    html! {
        div.scroll {
            table {
                thead {
                    tr {
                        th { "Caller" }
                        th { "Callee" }
                        th.n { "Calls" }
                        th.n { "Rate" }
                        th.n { "Failed" }
                        th.n { "p50" }
                        th.n { "p95" }
                        th.n { "p99" }
                    }
                }
                tbody { @for edge in &map.edges { tr data-row {
                    td {
                        a href=(calls(edge, is_external(map, &edge.to))) {
                            i class=(format!("chip c{}", color(&edge.from))) {}
                            (show(&edge.from, 60))
                        }
                    }
                    td { i class=(format!("chip c{}", color(&edge.to))) {} (show(&edge.to, 60)) }
                    td.n { (edge.count) }
                    td.n { (number(edge.rate)) small { " /s" } }
                    td.n {
                        @if edge.failed > 0 {
                            span.bad { (edge.failed) }
                        } @else {
                            span.dim { "0" }
                        }
                    }
                    @for percentile in edge.percentiles { td.n { (format_duration(percentile)) } }
                } } }
            }
        }
    }
}
