//! Manual for services that use these crates.
#![cfg_attr(all(doc, not(doctest)), doc = "", doc = include_str!("index.md"))]

// The texts are in Markdown files and part of the documentation only. The package `tests` compiles their code, because
// it has the dependencies of both frameworks, and compares their tables and messages with the sources.

/// The first service on axum, actix-web or tonic, in five minutes.
#[cfg_attr(all(doc, not(doctest)), doc = "", doc = include_str!("start/first_service.md"))]
pub mod first_service {}

/// A service that already has a subscriber, tower-http's layers or actix-web's `Logger`.
#[cfg_attr(all(doc, not(doctest)), doc = "", doc = include_str!("start/existing_service.md"))]
pub mod existing_service {}

/// Replacements for the options of five other crates.
#[cfg_attr(all(doc, not(doctest)), doc = "", doc = include_str!("start/migration.md"))]
pub mod migration {}

/// All options of middlewares, clients and telemetry.
#[cfg_attr(all(doc, not(doctest)), doc = "", doc = include_str!("guide/options.md"))]
pub mod options {}

/// Errors on spans, and trace IDs in responses.
#[cfg_attr(all(doc, not(doctest)), doc = "", doc = include_str!("guide/errors.md"))]
pub mod errors {}

/// Destinations of traces, metrics and logs.
#[cfg_attr(all(doc, not(doctest)), doc = "", doc = include_str!("guide/exporters.md"))]
pub mod exporters {}

/// Log lines, log records and the request log.
#[cfg_attr(all(doc, not(doctest)), doc = "", doc = include_str!("guide/logs.md"))]
pub mod logs {}

/// Metrics, exemplars and the endpoint for Prometheus.
#[cfg_attr(all(doc, not(doctest)), doc = "", doc = include_str!("guide/metrics.md"))]
pub mod metrics {}

/// Sampling, and retention of failed and slow traces.
#[cfg_attr(all(doc, not(doctest)), doc = "", doc = include_str!("guide/sampling.md"))]
pub mod sampling {}

/// Tests of a service's own telemetry.
#[cfg_attr(all(doc, not(doctest)), doc = "", doc = include_str!("guide/testing.md"))]
pub mod testing {}

/// Checklist before production: Collector, limits, shutdown, Kubernetes, clocks.
#[cfg_attr(all(doc, not(doctest)), doc = "", doc = include_str!("operation/production.md"))]
pub mod production {}

/// The configuration file, changes at run time, and the panel.
#[cfg_attr(all(doc, not(doctest)), doc = "", doc = include_str!("operation/run_time.md"))]
pub mod run_time {}

/// Causes and remedies by symptom, with the messages that these crates log.
#[cfg_attr(all(doc, not(doctest)), doc = "", doc = include_str!("operation/troubleshooting.md"))]
pub mod troubleshooting {}

/// Endings of a span, each with its result.
#[cfg_attr(all(doc, not(doctest)), doc = "", doc = include_str!("operation/endings.md"))]
pub mod endings {}

/// Losses of telemetry, and their reports.
#[cfg_attr(all(doc, not(doctest)), doc = "", doc = include_str!("operation/losses.md"))]
pub mod losses {}

/// Input from callers: its effects, its limits, and the tests of them.
#[cfg_attr(all(doc, not(doctest)), doc = "", doc = include_str!("operation/security.md"))]
pub mod security {}

/// Instructions per request, beside other crates.
#[cfg_attr(all(doc, not(doctest)), doc = "", doc = include_str!("operation/costs.md"))]
pub mod costs {}
