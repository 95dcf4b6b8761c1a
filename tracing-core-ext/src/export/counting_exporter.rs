use std::{
    any::Any,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{SpanData, SpanExporter},
};

use super::delivery::Delivery;

/// Tells [`Delivery`] what became of each batch.
#[derive(Debug)]
pub(crate) struct CountingExporter<E> {
    pub(crate) inner: E,
    pub(crate) delivery: Arc<Delivery>,
}

impl<E: SpanExporter> SpanExporter for CountingExporter<E> {
    /// Answers Ok even for a lost batch, for the SDK would log every single one.
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        match contain_panic(async { self.inner.export(batch).await }).await {
            Ok(()) => self.delivery.delivered(spans),
            Err(error) => self.delivery.failed(spans, reason(error)),
        }
        Ok(())
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        let result = contained(|| self.inner.shutdown_with_timeout(timeout));
        self.count_rejected();
        result
    }

    fn shutdown(&self) -> OTelSdkResult {
        let result = contained(|| self.inner.shutdown());
        self.count_rejected();
        result
    }

    fn force_flush(&self) -> OTelSdkResult {
        contained(|| self.inner.force_flush())
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

impl<E> CountingExporter<E> {
    /// What an exporter had kept until now may be lost when it shuts down.
    fn count_rejected(&self) {
        if self.delivery.has_rejected() {
            self.delivery.delivered(0);
        }
    }
}

/// A panic would end the SDK's thread, and with it every later export.
async fn contain_panic(export: impl Future<Output = OTelSdkResult>) -> OTelSdkResult {
    let mut export = pin!(export);
    let polled = poll_fn(|context| {
        let poll = AssertUnwindSafe(|| export.as_mut().poll(context));
        catch_unwind(poll).unwrap_or_else(|panic| Poll::Ready(Err(panicked(panic.as_ref()))))
    });
    polled.await
}

fn contained(call: impl FnOnce() -> OTelSdkResult) -> OTelSdkResult {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
}

fn panicked(panic: &(dyn Any + Send)) -> OTelSdkError {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let reason = text.map_or(String::new(), |text| format!(": {text}"));
    OTelSdkError::InternalFailure(format!("the exporter panicked{reason}"))
}

/// Without the "Operation failed: " the SDK puts before it.
fn reason(error: OTelSdkError) -> String {
    match error {
        OTelSdkError::InternalFailure(reason) => reason,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::batch::BatchConfig;

    #[derive(Debug)]
    struct Panics;

    impl SpanExporter for Panics {
        async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
            panic!("at export")
        }

        fn force_flush(&self) -> OTelSdkResult {
            panic!("at flush")
        }

        fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
            panic!("at shutdown")
        }
    }

    #[test]
    fn a_panic_of_the_exporter_is_an_error_wherever_it_happens() {
        let batch = BatchConfig::new(1, 1, None);
        let delivery = Arc::new(Delivery::of_spans("nowhere".to_owned(), &batch));
        let exporter = CountingExporter { inner: Panics, delivery };
        for (result, at) in [
            (exporter.force_flush(), "flush"),
            (exporter.shutdown_with_timeout(Duration::ZERO), "shutdown"),
            (exporter.shutdown(), "shutdown"),
        ] {
            let error = result.unwrap_err().to_string();
            assert!(error.ends_with(&format!("the exporter panicked: at {at}")), "{error}");
        }
    }
}
