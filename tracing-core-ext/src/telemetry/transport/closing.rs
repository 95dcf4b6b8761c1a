use tokio::sync::watch;

/// Whether the service is shutting down: from then on nobody waits before an attempt, and the next one is the last.
#[derive(Debug, Default)]
pub(in crate::telemetry) struct Closing(watch::Sender<bool>);

impl Closing {
    pub(in crate::telemetry) fn begin(&self) {
        self.0.send_replace(true);
    }

    pub(super) fn has_begun(&self) -> bool {
        *self.0.borrow()
    }

    pub(super) async fn begun(&self) {
        let _ = self.0.subscribe().wait_for(|begun| *begun).await;
    }
}
