//! Exporters that run on an export thread.

use std::{
    fmt,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration,
};

use opentelemetry_sdk::{
    Resource,
    error::OTelSdkError,
    trace::{SpanData, SpanExporter},
};

use crate::{export::delivery::Outcome, trace::PooledRecord};

/// Exporter of batches of spans. Only one thread calls it. A panic loses only the present batch.
pub(crate) trait BatchExporter: fmt::Debug + Send + 'static {
    /// Exports spans of the SDK's type.
    fn export_spans(&mut self, spans: Vec<SpanData>) -> Outcome;

    /// Exports records. It may take their content.
    fn export_records(&mut self, records: &mut [PooledRecord]) -> Outcome {
        let spans = records.iter_mut().map(|record| record.take_span_data());
        self.export_spans(spans.collect())
    }

    /// Exports the spans that earlier calls have buffered.
    fn flush(&mut self) {}

    /// Exports the spans that earlier calls have buffered, and stops.
    fn shutdown(&mut self, _timeout: Duration) {}

    /// Sets the resource, before the first export.
    fn set_resource(&mut self, resource: &Resource);
}

/// Adapter for an exporter of the SDK.
#[derive(Debug)]
pub(crate) struct SdkExporter<E>(pub(crate) E);

impl<E: SpanExporter + 'static> BatchExporter for SdkExporter<E> {
    fn export_spans(&mut self, spans: Vec<SpanData>) -> Outcome {
        match block_on(self.0.export(spans)) {
            Ok(()) => Outcome::delivered(),
            Err(error) => Outcome::failed(reason(error)),
        }
    }

    fn flush(&mut self) {
        let _ = self.0.force_flush();
    }

    fn shutdown(&mut self, timeout: Duration) {
        let _ = self.0.shutdown_with_timeout(timeout);
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

/// Returns the reason without the prefix "Operation failed: " of the SDK.
fn reason(error: OTelSdkError) -> String {
    match error {
        OTelSdkError::InternalFailure(reason) => reason,
        other => other.to_string(),
    }
}

/// Runs a future to its end on this thread.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        thread::park();
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn a_future_that_another_thread_completes_is_run_to_its_end() {
        let (sender, wakers) = channel::<Waker>();
        let waking = thread::spawn(move || wakers.recv().unwrap().wake());
        let mut is_polled = false;
        let output = block_on(std::future::poll_fn(|context| {
            if is_polled {
                return Poll::Ready(7);
            }
            is_polled = true;
            sender.send(context.waker().clone()).unwrap();
            Poll::Pending
        }));
        assert_eq!(output, 7);
        waking.join().unwrap();
    }
}
