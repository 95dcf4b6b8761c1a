//! The harness of the scenarios: a span sink without globals, scripted bodies, and one application
//! that both frameworks serve on a free port.

mod app;
mod custom_propagator;
#[cfg(doctest)]
mod manual;
mod peers;
mod provider;
mod sinks;
mod telemetry;

pub use self::{
    app::{
        Actix, Axum, Destructor, Framework, HandlerControl, Options, OrderError, ScriptStep,
        Server, Setup, WithOtelLayer, call_without_options, headers_sent_without_options,
        measured_with, plain_subscriber, recorded, recorded_with, span_of_broken_body,
    },
    custom_propagator::CustomPropagator,
    peers::{AfterResponse, Ending, RawClient, RawServer, WebSocket},
    provider::{Provider, SharedTracer},
    sinks::{
        EndedSpanExt, Lines, LogSink, MetricSink, Series, SpanSink, assert_error, assert_no_error,
        log_attribute, scrape,
    },
    telemetry::telemetry,
};

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
