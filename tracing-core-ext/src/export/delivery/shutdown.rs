use tokio::sync::watch;

/// Part of the shutdown that may block.
pub(crate) type ShutdownTask = Box<dyn FnOnce() + Send>;

/// Signal that the service is shutting down. Exporters then make their last attempt without
/// waiting.
#[derive(Debug, Default)]
pub(crate) struct ShutdownSignal(watch::Sender<bool>);

impl ShutdownSignal {
    pub(crate) fn trigger(&self) {
        self.0.send_replace(true);
    }

    pub(crate) fn is_triggered(&self) -> bool {
        *self.0.borrow()
    }

    pub(crate) async fn triggered(&self) {
        let _ = self.0.subscribe().wait_for(|triggered| *triggered).await;
    }
}
