//! State of the routes.

use std::sync::Arc;

use axum::extract::FromRef;

use crate::{
    otlp::Intake,
    source::{Need, Source, SourceError},
    store::Store,
};

/// Intake of telemetry, and the source of pages.
#[derive(Clone, Debug)]
pub(crate) struct App {
    pub(crate) intake: Intake,
    pub(crate) source: Arc<dyn Source>,
}

impl App {
    /// Loads telemetry from the source.
    pub(super) async fn load(&self, need: Need<'_>) -> Result<Store, SourceError> {
        self.source.load(need).await
    }
}

/// The store of this panel.
impl FromRef<App> for Store {
    fn from_ref(app: &App) -> Self {
        app.intake.store.clone()
    }
}

impl FromRef<App> for Intake {
    fn from_ref(app: &App) -> Self {
        app.intake.clone()
    }
}
