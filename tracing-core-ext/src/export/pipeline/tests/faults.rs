//! Panics of the exporter and of the log writer.

use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
};

use opentelemetry_sdk::error::OTelSdkResult;

use super::*;

#[test]
fn an_exporter_that_panics_has_failed_and_gets_the_next_batch() {
    let rig = setup(16).build();
    rig.export(Err(OTelSdkError::AlreadyShutdown));
    let counted = rig.counted();
    assert_eq!((counted.offered(), counted.failed, counted.delivered), (1, 1, 0));
    assert_eq!(counted.last_error.as_deref(), Some("the exporter panicked: no answer"));
    rig.export(Ok(()));
    assert_eq!(rig.counted().delivered, 1);
}

/// Exporter that panics in every method but `export`.
#[derive(Debug)]
struct Panics(Arc<AtomicUsize>);

impl SpanExporter for Panics {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.fetch_add(batch.len(), Ordering::Relaxed);
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        panic!("at flush")
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        panic!("at shutdown")
    }
}

#[test]
fn an_exporter_that_panics_at_flush_or_shutdown_does_not_end_the_pipeline() {
    let (batch, exported) = (BatchConfig::new(8, 8, Some(NEVER)), Arc::default());
    let state = Arc::new(ExportState::for_spans("nowhere".to_owned(), "test", &batch));
    let resource = &Resource::builder_empty().build();
    let options = PipelineOptions { batch: &batch, resource, hook: None, shutdown_timeout: NEVER };
    let exporter = SdkExporter(Panics(Arc::clone(&exported)));
    let pipeline = Pipeline::start(exporter, state, NEVER, options).unwrap();
    let provider = TracerProvider::builder().with_record_processor(pipeline).build();
    for number in 1..3 {
        drop(provider.tracer("test").start("span"));
        provider.force_flush().unwrap();
        assert_eq!(exported.load(Ordering::Relaxed), number);
    }
    provider.shutdown().unwrap();
}

/// Writer that panics with every line, as `print!` does when standard output is closed.
struct ClosedPipe;

impl io::Write for ClosedPipe {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        panic!("failed printing to stdout")
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_log_writer_that_panics_affects_neither_the_export_nor_the_request() {
    let rig = setup(2).log_to(|| ClosedPipe, CapturedLines::default());
    rig.export(refused());
    rig.export(Ok(()));
    rig.began.try_iter().for_each(drop);
    rig.end_spans(1);
    rig.began.recv().unwrap();
    rig.end_spans(3);
    assert_eq!(rig.counted().dropped, 2, "logged on the thread of the request");
    (0..2).for_each(|_| rig.answer.send(Ok(())).unwrap());
    rig.provider.force_flush().unwrap();
    rig.export(Ok(()));
    assert_eq!(rig.counted().delivered, 4);
}
