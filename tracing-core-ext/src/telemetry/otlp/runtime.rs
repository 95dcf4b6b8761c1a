use std::io;

use tokio::runtime::{Builder, Runtime};

use super::silence;

/// The thread that sends, whatever the service's own runtime does, and if it has one at all.
#[derive(Debug)]
pub(super) struct ExportRuntime(Option<Runtime>);

impl ExportRuntime {
    pub(super) fn new() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("otlp-export")
            .enable_io()
            .enable_time()
            .on_thread_start(silence::begin)
            .on_thread_unpark(silence::begin)
            .on_thread_park(silence::end)
            .on_thread_stop(silence::end)
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Runs it on the thread of this runtime. None when it cannot be finished.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        self.0.as_ref()?.spawn(work).await.ok()
    }
}

/// A runtime that waits for its threads must not be dropped inside another one.
impl Drop for ExportRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
