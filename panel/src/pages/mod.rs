//! Pages as HTML that works without scripts.

mod compare;
mod errors;
mod health;
mod help;
mod logs;
mod map;
mod metrics;
mod overview;
mod parts;
mod running;
mod trace;
mod traces;

pub(crate) use self::{
    compare::compare_page,
    errors::errors_page,
    health::health_page,
    help::help_page,
    logs::{log_row, logs_page},
    map::map_page,
    metrics::{metric_page, metrics_page},
    overview::overview_page,
    parts::layout::{Choice, Page, Place, message_page, render},
    running::running_page,
    trace::{TraceView, span_details, trace_page},
    traces::{TraceList, traces_page},
};
