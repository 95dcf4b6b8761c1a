//! Real panels on free ports, real requests.

mod access;
mod api;
mod backends;
mod embedded;
mod files;
mod forward;
mod pages;
mod receive;
mod telemetry;
