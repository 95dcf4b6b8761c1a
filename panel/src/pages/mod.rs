//! Pages in HTML that do not require scripts.

mod api;
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
    api::{EndpointDoc, TypeDoc, api_page},
    errors::errors_page,
    health::health_page,
    help::help_page,
    logs::{log_row, logs_page},
    map::map_page,
    metrics::{metric_page, metrics_page},
    overview::overview_page,
    parts::layout::{Choice, Page, Place, message_page, render},
    running::running_page,
    trace::{TraceView, compare_page, span_details, trace_page},
    traces::{TraceList, traces_page},
};
