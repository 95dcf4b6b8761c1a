//! Real panels on free ports, real requests.

mod access;
mod files;
mod pages;
mod receive;
mod telemetry;
