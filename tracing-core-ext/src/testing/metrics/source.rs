//! Sources of the metrics of a test.

use std::{
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::{
        InstrumentKind, ManualReader, Pipeline, Temporality, data::ResourceMetrics,
        reader::MetricReader,
    },
};

use super::point::{self, MetricPoint};

/// Source of the metrics that are compared.
#[derive(Clone, Debug)]
pub(crate) enum MetricSource {
    /// Reader of the meter provider of a test.
    Reader(TestReader),
    /// The last values that a collector has received.
    Received(Arc<Mutex<Vec<MetricPoint>>>),
}

impl MetricSource {
    /// Returns the series until now.
    pub(crate) fn points(&self) -> Vec<MetricPoint> {
        match self {
            Self::Reader(reader) => reader.points(),
            Self::Received(points) => points.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }
}

/// Reader of cumulative metrics, without a thread. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct TestReader(Arc<ManualReader>);

impl TestReader {
    fn points(&self) -> Vec<MetricPoint> {
        let mut collected = ResourceMetrics::default();
        match self.0.collect(&mut collected) {
            Ok(()) => point::all(&collected),
            // The provider was shut down.
            Err(_) => Vec::new(),
        }
    }
}

impl MetricReader for TestReader {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}
