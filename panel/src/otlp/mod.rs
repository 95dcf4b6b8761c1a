//! OTLP: conversion of requests, the receivers, files.

mod archive;
mod export;
mod grpc;
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
    grpc::grpc_routes,
    http::{MOST_BODY_BYTES, http_routes},
    intake::Intake,
    json::add_json,
};

/// Refused part of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejected {
    /// Number of spans, records or points.
    pub count: usize,
    /// Reason; empty where nothing is refused.
    pub reason: &'static str,
}

impl Rejected {
    fn new(invalid: usize, full: usize, why_invalid: &'static str, why_full: &'static str) -> Self {
        let reason = match (invalid, full) {
            (0, 0) => "",
            (0, _) => why_full,
            _ => why_invalid,
        };
        Self { count: invalid + full, reason }
    }
}
