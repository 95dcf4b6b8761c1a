//! Memory and open files of a process over time.

use std::{fs, time::Duration};

use crate::Result;

/// Samples of a process.
pub(crate) struct Watch {
    process: u32,
    samples: Vec<Sample>,
}

#[derive(Clone, Copy)]
struct Sample {
    minutes: f64,
    memory: f64,
    files: f64,
}

/// Line through the samples after the warm-up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trend {
    /// Value at the end of the warm-up, by the line.
    pub(crate) start: f64,
    /// Growth in a minute.
    pub(crate) slope: f64,
    /// Growth until the end.
    pub(crate) growth: f64,
}

impl Watch {
    pub(crate) fn new(process: u32) -> Self {
        Self { process, samples: Vec::new() }
    }

    pub(crate) fn sample(&mut self, elapsed: Duration) -> Result<()> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process))?;
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let memory = memory.ok_or("no VmRSS")?.trim().trim_end_matches(" kB").parse()?;
        let files = fs::read_dir(format!("/proc/{}/fd", self.process))?.count() as f64;
        self.samples.push(Sample { minutes: elapsed.as_secs_f64() / 60.0, memory, files });
        Ok(())
    }

    pub(crate) fn last(&self) -> String {
        let last = self.samples.last();
        last.map_or(String::new(), |last| format!("{} KiB, {} files", last.memory, last.files))
    }

    /// Trend of the resident memory, in KiB.
    pub(crate) fn memory(&self) -> Trend {
        self.trend(|sample| sample.memory)
    }

    /// Trend of the number of open files.
    pub(crate) fn files(&self) -> Trend {
        self.trend(|sample| sample.files)
    }

    /// Fits a line by least squares. The first fifth of the time is the warm-up.
    fn trend(&self, value: fn(&Sample) -> f64) -> Trend {
        let end = self.samples.last().map_or(0.0, |last| last.minutes);
        let start = end / 5.0;
        let points: Vec<(f64, f64)> =
            self.samples.iter().map(|it| (it.minutes, value(it))).collect();
        let points: Vec<_> = points.into_iter().filter(|(at, _)| *at >= start).collect();
        let count = points.len().max(1) as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
        let (x, y) = (mean(|point| point.0), mean(|point| point.1));
        let above: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
        let below: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
        let slope = if below > 0.0 { above / below } else { 0.0 };
        Trend { start: y - slope * (x - start), slope, growth: slope * (end - start) }
    }
}
