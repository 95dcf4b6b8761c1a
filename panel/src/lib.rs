//! Browser view of traces, metrics and logs.
//!
//! A [`Panel`] stores telemetry in memory and serves pages. [`Panel::routes`] returns the routes of
//! the pages. [`Panel::http_receiver`] and [`Panel::grpc_receiver`] receive OTLP from services in
//! any language. [`Panel::store`] accepts spans, records and points from the same process.
//!
//! ```no_run
//! use tracing_panel::Panel;
//!
//! # async fn serve() -> std::io::Result<()> {
//! let panel = Panel::new();
//! let pages = tokio::net::TcpListener::bind("127.0.0.1:4380").await?;
//! axum::serve(pages, panel.routes()).await
//! # }
//! ```
//!
//! # Features
//!
//! | feature | default | content |
//! | --- | --- | --- |
//! | `grpc` | by `program` | `Panel::grpc_receiver` |
//! | `program` | yes | the program `panel`, and pages of Jaeger's and Prometheus's data in [`source`] |

#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod analysis;
pub mod model;
pub mod otlp;
mod pages;
mod panel;
pub mod query;
#[cfg(feature = "grpc")]
mod receivers;
mod serve;
pub mod source;
pub mod store;
mod web;

pub use self::{
    panel::{Pages, Panel},
    serve::Served,
    web::Access,
};

#[cfg(test)]
mod testing;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
