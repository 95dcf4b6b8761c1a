use std::sync::{Arc, OnceLock};

use tracing::dispatcher::{self, Dispatch, WeakDispatch};

/// Subscriber to which telemetry logs its own events, from any thread. The reference is weak, because the subscriber
/// holds the layer, the layer holds the provider, and the provider holds this value.
#[derive(Clone, Debug, Default)]
pub(crate) struct SelfLog(Arc<OnceLock<WeakDispatch>>);

impl SelfLog {
    pub(crate) fn set(&self, dispatch: &Dispatch) {
        let _ = self.0.set(dispatch.downgrade());
    }

    pub(crate) fn log(&self, write: impl FnOnce()) {
        match self.0.get().and_then(WeakDispatch::upgrade) {
            Some(dispatch) => dispatcher::with_default(&dispatch, write),
            None => write(),
        }
    }
}
