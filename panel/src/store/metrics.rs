//! Time series.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use super::counters::Usage;
use crate::model::{Attributes, MetricKind, MetricPoint, Resource, Sample};

/// Maximum number of series of all metrics.
const MOST_SERIES: usize = 20_000;
/// Maximum number of samples of a series.
const MOST_SAMPLES: usize = 4096;

/// Metrics with a limit in bytes.
#[derive(Debug)]
pub(super) struct Metrics {
    limit: usize,
    bytes: usize,
    series: usize,
    samples: usize,
    instruments: BTreeMap<InstrumentKey, Instrument>,
}

/// Service and name of a metric.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InstrumentKey {
    /// Service.
    pub service: Arc<str>,
    /// Name of the metric.
    pub name: Arc<str>,
}

/// Metric of a service.
#[derive(Debug)]
pub struct Instrument {
    /// Description.
    pub description: Arc<str>,
    /// Unit in UCUM notation.
    pub unit: Arc<str>,
    /// Kind.
    pub kind: MetricKind,
    /// Series in the order of their first points.
    pub series: Vec<Series>,
}

/// Time series of a metric.
#[derive(Debug)]
pub struct Series {
    /// Sender.
    pub resource: Arc<Resource>,
    /// Attributes that identify the series.
    pub attributes: Attributes,
    /// Samples, oldest first.
    pub samples: VecDeque<Sample>,
}

impl Metrics {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, bytes: 0, series: 0, samples: 0, instruments: BTreeMap::new() }
    }

    /// Adds a point. Returns `None` if it would start a series above the limit.
    pub(super) fn add(&mut self, point: MetricPoint) -> Option<()> {
        let key = InstrumentKey {
            service: Arc::clone(&point.resource.service),
            name: Arc::clone(&point.name),
        };
        let known = self.instruments.get(&key).and_then(|instrument| instrument.position(&point));
        if known.is_none() && self.series >= MOST_SERIES {
            return None;
        }
        let size = point.sample.bytes();
        let instrument = self.instruments.entry(key).or_insert_with(|| Instrument::new(&point));
        let index = known.unwrap_or(instrument.series.len());
        if known.is_none() {
            let bytes = size_of::<Series>() + point.attributes.heap_bytes();
            instrument.series.push(Series::new(&point));
            self.bytes += bytes;
            self.series += 1;
        }
        self.bytes += size;
        self.samples += 1;
        if let Some(removed) = instrument.series[index].add(point.sample) {
            self.bytes -= removed;
            self.samples -= 1;
        }
        Some(())
    }

    /// Drops the older half of each series until the rest is within the limit. Returns the number
    /// of dropped samples.
    pub(super) fn evict(&mut self) -> usize {
        let before = self.samples;
        while self.bytes > self.limit {
            let series =
                self.instruments.values_mut().flat_map(|instrument| &mut instrument.series);
            let (samples, bytes) = series
                .map(Series::drop_half)
                .fold((0, 0), |sum, dropped| (sum.0 + dropped.0, sum.1 + dropped.1));
            if samples == 0 {
                self.drop_first_instrument();
            }
            self.samples -= samples;
            self.bytes -= bytes;
        }
        before - self.samples
    }

    /// Drops an instrument, if each series has only one sample.
    fn drop_first_instrument(&mut self) {
        let Some((_, instrument)) = self.instruments.pop_first() else {
            self.bytes = 0;
            return;
        };
        for series in instrument.series {
            self.series -= 1;
            self.samples -= series.samples.len();
            self.bytes -= size_of::<Series>() + series.attributes.heap_bytes();
            self.bytes -= series.samples.iter().map(Sample::bytes).sum::<usize>();
        }
    }

    pub(super) fn find(&self, key: &InstrumentKey) -> Option<&Instrument> {
        self.instruments.get(key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&InstrumentKey, &Instrument)> {
        self.instruments.iter()
    }

    pub(super) fn clear(&mut self) {
        *self = Self::new(self.limit);
    }

    pub(super) fn usage(&self) -> Usage {
        Usage { name: "metric points", entries: self.samples, bytes: self.bytes, limit: self.limit }
    }
}

impl Instrument {
    fn new(point: &MetricPoint) -> Self {
        Self {
            description: Arc::clone(&point.description),
            unit: Arc::clone(&point.unit),
            kind: point.kind,
            series: Vec::new(),
        }
    }

    fn position(&self, point: &MetricPoint) -> Option<usize> {
        self.series.iter().position(|series| {
            series.attributes == point.attributes
                && series.resource.attributes == point.resource.attributes
        })
    }
}

impl Series {
    fn new(point: &MetricPoint) -> Self {
        Self {
            resource: Arc::clone(&point.resource),
            attributes: point.attributes.clone(),
            samples: VecDeque::new(),
        }
    }

    /// Inserts a sample at its time. Returns the bytes of the sample that was dropped for it.
    fn add(&mut self, sample: Sample) -> Option<usize> {
        let later = self.samples.iter().rev().take_while(|known| known.time > sample.time).count();
        self.samples.insert(self.samples.len() - later, sample);
        if self.samples.len() <= MOST_SAMPLES {
            return None;
        }
        self.samples.pop_front().map(|removed| removed.bytes())
    }

    fn drop_half(&mut self) -> (usize, usize) {
        let half = self.samples.len() / 2;
        let bytes = self.samples.drain(..half).map(|sample| sample.bytes()).sum();
        (half, bytes)
    }
}
