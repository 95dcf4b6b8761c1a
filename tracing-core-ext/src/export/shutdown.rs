use tokio::sync::watch;

/// Whether the service is shutting down: from then on nobody waits before an attempt, and the next one is the last.
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
