//! Computations over the store that pages and the API show.

mod chart;
mod errors;
mod facets;
mod in_flight;
mod map;
mod overview;
mod path;
mod tree;

pub use self::{
    chart::{Line, metric_lines},
    errors::{ErrorGroup, error_groups},
    facets::{Facet, facets},
    in_flight::in_flight,
    map::{Edge, Map, Node, service_map},
    overview::{Overview, Row, Window, overview},
    tree::{TreeRow, rows},
};
