//! Computations over the store, for pages and the API.

mod chart;
mod complete;
mod errors;
mod facets;
mod in_flight;
mod map;
mod overview;
mod peers;
mod trace;

pub use self::{
    chart::{Line, metric_lines},
    complete::{Candidate, Completion, Searched, complete},
    errors::{ErrorGroup, error_groups},
    facets::{Facet, facets},
    in_flight::in_flight,
    map::{Edge, Map, Node, service_map},
    overview::{Overview, Row, Window, overview},
    peers::{Peer, peers},
    trace::{Difference, SelfTime, Side, TreeRow, compare, perfetto_json, rows, self_times},
};
