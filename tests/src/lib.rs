//! The harness of the scenarios: a span sink without globals, bodies that do what a test tells them, and one
//! application served by both frameworks on a free port.

mod actix;
mod axum;
mod captured;
mod framework;
mod lines;
mod metric_sink;
mod optionless;
mod peer;
mod scrape;
mod shout;
mod sink;
mod stage;
mod websocket;
mod wire;

pub use self::{
    actix::Actix,
    axum::Axum,
    captured::{Captured, plain_subscriber},
    framework::{Framework, Options, Server, Setup, measured_with, recorded, recorded_with},
    lines::Lines,
    metric_sink::{MetricSink, Series},
    optionless::headers_sent_without_options,
    peer::Peer,
    scrape::scrape,
    shout::Shout,
    sink::{SpanDataExt, SpanSink, assert_error, assert_no_error},
    stage::{Stage, Step},
    websocket::WebSocket,
    wire::{Then, Wire},
};

/// Runs each scenario, an `async fn name<F: Framework>()`, on axum and on actix-web.
#[macro_export]
macro_rules! on_both_frameworks {
    ($($scenario:ident),+ $(,)?) => {
        $crate::on!(axum, $crate::Axum, $($scenario),+);
        $crate::on!(actix, $crate::Actix, $($scenario),+);
    };
}

/// Runs each scenario on both frameworks, with a native span and with one that a plain OpenTelemetry layer has captured.
#[macro_export]
macro_rules! on_both_frameworks_either_way {
    ($($scenario:ident),+ $(,)?) => {
        $crate::on_both_frameworks!($($scenario),+);
        $crate::on!(axum_captured, $crate::Captured<$crate::Axum>, $($scenario),+);
        $crate::on!(actix_captured, $crate::Captured<$crate::Actix>, $($scenario),+);
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
