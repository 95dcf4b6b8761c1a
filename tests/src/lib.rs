//! The harness of the scenarios: a span sink without globals, scripted bodies, and one application
//! that both frameworks serve on a free port.

mod actix;
mod axum;
mod custom_propagator;
mod default_options;
mod framework;
mod handler_control;
mod lines;
mod log_sink;
mod metric_sink;
mod order_error;
mod provider;
mod raw_client;
mod raw_server;
mod scrape;
mod sink;
mod telemetry;
mod websocket;
mod with_otel_layer;

pub use self::{
    actix::Actix,
    axum::Axum,
    custom_propagator::CustomPropagator,
    default_options::{call_without_options, headers_sent_without_options},
    framework::{
        Framework, Options, Server, Setup, measured_with, recorded, recorded_with,
        span_of_broken_body,
    },
    handler_control::{Destructor, HandlerControl, ScriptStep},
    lines::Lines,
    log_sink::{LogSink, log_attribute},
    metric_sink::{MetricSink, Series},
    order_error::OrderError,
    provider::{Provider, SharedTracer},
    raw_client::RawClient,
    raw_server::{AfterResponse, RawServer},
    scrape::scrape,
    sink::{SpanDataExt, SpanSink, assert_error, assert_no_error},
    telemetry::telemetry,
    websocket::WebSocket,
    with_otel_layer::{WithOtelLayer, plain_subscriber},
};

/// The code of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// Runs each scenario, an `async fn name<F: Framework>()`, on axum and on actix-web.
#[macro_export]
macro_rules! on_both_frameworks {
    ($($scenario:ident),+ $(,)?) => {
        $crate::on!(axum, $crate::Axum, $($scenario),+);
        $crate::on!(actix, $crate::Actix, $($scenario),+);
    };
}

/// Runs each scenario on both frameworks, with a native span and with a span that a plain
/// OpenTelemetry layer has created.
#[macro_export]
macro_rules! on_both_frameworks_either_way {
    ($($scenario:ident),+ $(,)?) => {
        $crate::on_both_frameworks!($($scenario),+);
        $crate::on!(axum_with_otel_layer, $crate::WithOtelLayer<$crate::Axum>, $($scenario),+);
        $crate::on!(actix_with_otel_layer, $crate::WithOtelLayer<$crate::Actix>, $($scenario),+);
    };
}

/// Runs each scenario on one framework, in a module.
#[doc(hidden)]
#[macro_export]
macro_rules! on {
    ($module:ident, $framework:ty, $($scenario:ident),+) => {
        mod $module {
            $(#[tokio::test]
            async fn $scenario() {
                super::$scenario::<$framework>().await;
            })+
        }
    };
}
