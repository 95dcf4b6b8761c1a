use std::sync::{Arc, OnceLock};

use tracing::dispatcher::{self, Dispatch, WeakDispatch};

/// Where telemetry logs what happens to it, from whichever thread. Weak, for that subscriber holds the layer that holds
/// the provider that holds this.
#[derive(Clone, Debug, Default)]
pub(crate) struct SelfLog(Arc<OnceLock<WeakDispatch>>);

impl SelfLog {
    pub(crate) fn set(&self, dispatch: &Dispatch) {
        let _ = self.0.set(dispatch.downgrade());
    }

    pub(crate) fn log(&self, say: impl FnOnce()) {
        match self.0.get().and_then(WeakDispatch::upgrade) {
            Some(dispatch) => dispatcher::with_default(&dispatch, say),
            None => say(),
        }
    }
}
