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
    intake::{Intake, Rejected},
    json::add_json,
};
