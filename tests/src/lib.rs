//! The harness of the scenarios: a span sink without globals, bodies that do what a test tells them, and one
//! application served by both frameworks on a free port.

mod actix;
mod axum;
mod framework;
mod peer;
mod sink;
mod stage;

pub use self::{
    actix::Actix,
    axum::Axum,
    framework::{Framework, Server, Setup, recorded},
    peer::Peer,
    sink::{SpanDataExt, SpanSink},
    stage::{Stage, Step},
};

/// Runs each scenario, an `async fn name<F: Framework>()`, on axum and on actix-web.
#[macro_export]
macro_rules! on_both_frameworks {
    ($($scenario:ident),+ $(,)?) => {
        mod axum {
            $(#[tokio::test]
            async fn $scenario() {
                super::$scenario::<$crate::Axum>().await;
            })+
        }
        mod actix {
            $(#[tokio::test]
            async fn $scenario() {
                super::$scenario::<$crate::Actix>().await;
            })+
        }
    };
}
