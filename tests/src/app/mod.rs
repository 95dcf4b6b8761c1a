//! The application that both frameworks serve, and its set-up.

mod actix;
mod axum;
mod default_options;
mod framework;
mod handler_control;
mod order_error;
mod with_otel_layer;

pub use self::{
    actix::Actix,
    axum::Axum,
    default_options::{call_without_options, headers_sent_without_options},
    framework::{
        Framework, Options, Server, Setup, measured_with, recorded, recorded_with,
        span_of_broken_body,
    },
    handler_control::{Destructor, HandlerControl, ScriptStep},
    order_error::OrderError,
    with_otel_layer::{WithOtelLayer, plain_subscriber},
};
