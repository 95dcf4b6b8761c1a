//! OTLP: conversion of requests, receivers and files.

mod archive;
mod export;
#[cfg(feature = "program")]
pub mod forward;
#[cfg(feature = "grpc")]
pub(crate) mod grpc;
mod http;
mod intake;
mod json;
mod logs;
mod metrics;
mod reader;
mod traces;

pub use self::{
    archive::Archive,
    export::trace_json,
    http::{MOST_BODY_BYTES, http_routes},
    intake::{Forwarding, Intake, Rejected},
    json::add_json,
};
