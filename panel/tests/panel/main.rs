//! Real panels on free ports, real requests.

mod access;
mod embedded;
mod files;
mod pages;
mod receive;
mod telemetry;
