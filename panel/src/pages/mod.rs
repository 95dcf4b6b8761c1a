//! Pages as HTML that works without scripts.

mod chart;
mod errors;
mod health;
mod help;
mod layout;
mod logs;
mod map;
mod metrics;
mod overview;
mod text;
mod trace;
mod traces;

pub(crate) use self::{
    errors::errors_page,
    health::health_page,
    help::help_page,
    layout::{Choice, message_page},
    logs::{log_row, logs_page},
    map::map_page,
    metrics::{metric_page, metrics_page},
    overview::overview_page,
    trace::{span_details, trace_page},
    traces::{TraceList, traces_page},
};
