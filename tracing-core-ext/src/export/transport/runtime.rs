use std::{io, time::Duration};

use tokio::runtime::{Builder, Runtime};

use super::suppress;

/// Runtime with one thread for exports. It is independent of the runtime of the service.
#[derive(Debug)]
pub(super) struct ExportRuntime(Option<Runtime>);

impl ExportRuntime {
    /// Creates the runtime. Blocking threads end with their task (keep-alive 0), because tokio runs
    /// no park hooks on them and the suppression would not end.
    pub(super) fn new() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("otel-export")
            .thread_keep_alive(Duration::ZERO)
            .enable_io()
            .enable_time()
            .on_thread_start(suppress::enter)
            .on_thread_unpark(suppress::enter)
            .on_thread_park(suppress::exit)
            .on_thread_stop(suppress::exit)
            .build()?;
        Ok(Self(Some(runtime)))
    }

    /// Runs a future on the thread of this runtime. Returns `None` if it cannot be finished.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        self.0.as_ref()?.spawn(work).await.ok()
    }
}

/// Shuts the runtime down in the background, because a runtime that waits for its threads must not
/// be dropped inside another one.
impl Drop for ExportRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::RefCell,
        sync::mpsc::{Sender, channel},
    };

    use super::*;

    struct Ended(Sender<()>);

    impl Drop for Ended {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }

    thread_local! {
        static ENDED: RefCell<Option<Ended>> = const { RefCell::new(None) };
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_blocking_thread_is_suppressed_no_longer_than_its_task() {
        let runtime = ExportRuntime::new().unwrap();
        let (sender, ended) = channel();
        let block = || ENDED.set(Some(Ended(sender)));
        runtime.run(async { tokio::task::spawn_blocking(block).await }).await.unwrap().unwrap();
        ended.recv_timeout(Duration::from_secs(5)).unwrap();
    }
}
