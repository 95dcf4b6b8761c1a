//! Routes of the panel.

mod api;
mod app;
mod assets;
mod compress;
mod frame;
mod guard;
mod import;
mod live;
mod pages;
mod params;

pub use self::guard::Access;
pub(crate) use self::{app::App, guard::require_token};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
    routing::{get, post},
};

use crate::otlp::MOST_BODY_BYTES;

/// Returns pages, the JSON API, live events and assets.
pub(crate) fn routes(app: App, access: Access) -> Router {
    Router::new()
        .route("/", get(pages::overview))
        .route("/overview", get(pages::overview))
        .route("/traces", get(pages::traces))
        .route("/traces/{id}", get(pages::trace))
        .route("/traces/{id}/spans/{span}", get(pages::span))
        .route("/running", get(pages::running))
        .route("/compare", get(pages::compare))
        .route("/map", get(pages::map))
        .route("/errors", get(pages::errors))
        .route("/logs", get(pages::logs))
        .route("/metrics", get(pages::metrics))
        .route("/metrics/show", get(pages::metric))
        .route("/health", get(pages::health))
        .route("/help", get(pages::help))
        .route("/api", get(pages::api))
        .route("/api/overview", get(api::overview))
        .route("/api/traces", get(api::traces))
        .route("/api/traces/{id}", get(api::trace))
        .route("/api/traces/{id}/otlp", get(api::export))
        .route("/api/traces/{id}/perfetto", get(api::perfetto))
        .route("/api/complete", get(api::complete))
        .route("/api/logs", get(api::logs))
        .route("/api/errors", get(api::errors))
        .route("/api/map", get(api::map))
        .route("/api/running", get(api::running))
        .route("/api/health", get(api::health))
        .route("/live/logs", get(live::logs))
        .route("/live/requests", get(live::requests))
        .route("/assets/{name}", get(assets::serve))
        .route("/import", post(import::import))
        .fallback(pages::not_found)
        .with_state(app)
        .layer(DefaultBodyLimit::max(MOST_BODY_BYTES))
        .layer(from_fn(compress::compress))
        .layer(from_fn_with_state(access, guard::guard))
}
