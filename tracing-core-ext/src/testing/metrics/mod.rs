//! Expectations of metrics.

pub(crate) mod point;
pub(crate) mod source;

use std::fmt::Write;

pub use self::point::{MetricPoint, PointValue};
use super::tree::expected::{Expected, IntoExpected};

/// The series of one instrument, made by [`Recorded::metric`](super::Recorded::metric).
#[derive(Debug)]
pub struct Metric {
    name: String,
    /// All series of the instrument.
    all: Vec<MetricPoint>,
    labels: Vec<(String, Expected)>,
    /// Names of the instruments with values, and the number of open spans, for messages.
    others: Vec<String>,
    open_spans: usize,
}

impl Metric {
    pub(super) fn new(name: &str, points: Vec<MetricPoint>, open_spans: usize) -> Self {
        let mut others: Vec<_> = points.iter().map(|point| point.name.clone()).collect();
        others.sort();
        others.dedup();
        let all = points.into_iter().filter(|point| point.name == name).collect();
        Self { name: name.to_owned(), all, labels: Vec::new(), others, open_spans }
    }

    /// Selects the series that have this label. The type of the value is compared.
    #[must_use = "nothing is compared yet"]
    pub fn with(mut self, key: &str, value: impl IntoExpected) -> Self {
        self.labels.push((key.to_owned(), value.into_expected()));
        self
    }

    /// Returns the selected series.
    pub fn points(&self) -> Vec<&MetricPoint> {
        let is_selected = |point: &&MetricPoint| {
            self.labels.iter().all(|(key, expected)| {
                let mut labels = point.labels.iter().filter(|it| it.key.as_str() == key);
                labels.next().is_some_and(|label| expected.is_met_by(&label.value))
            })
        };
        self.all.iter().filter(is_selected).collect()
    }

    /// Compares the number of measurements in the selected series, those of a histogram. A histogram without series has
    /// none.
    ///
    /// # Panics
    ///
    /// If the number differs, or if the instrument is no histogram.
    #[track_caller]
    pub fn count(self, expected: u64) -> Self {
        let counts = self.points().into_iter().map(|point| match point.value {
            PointValue::Histogram { count, .. } => count,
            _ => {
                panic!("{} is no histogram, compare its value or sum\n{}", self.name, self.report())
            }
        });
        let found: u64 = counts.sum();
        assert!(
            found == expected,
            "expected {expected} measurements, found {found}\n{}",
            self.report()
        );
        self
    }

    /// Compares the sum of the selected series: of the measurements of a histogram, or of the values of a counter.
    ///
    /// # Panics
    ///
    /// If the sum differs.
    #[track_caller]
    #[expect(clippy::float_cmp, reason = "the test knows the exact sum")]
    pub fn sum(self, expected: impl Into<f64>) -> Self {
        let (expected, found) =
            (expected.into(), self.points().iter().map(|it| it.sum()).sum::<f64>());
        assert!(
            found == expected,
            "expected a sum of {expected}, found {found}\n{}",
            self.report()
        );
        self
    }

    /// Compares the value of the only selected series, that of a counter or a gauge.
    ///
    /// # Panics
    ///
    /// If the value differs, or if there are several series or none.
    #[track_caller]
    #[expect(clippy::float_cmp, reason = "the test knows the exact value")]
    pub fn value(self, expected: impl Into<f64>) -> Self {
        let expected = expected.into();
        let [point] = self.points()[..] else {
            let found = self.points().len();
            panic!("expected one series, found {found}\n{}", self.report())
        };
        let found = point.sum();
        assert!(
            found == expected,
            "expected the value {expected}, found {found}\n{}",
            self.report()
        );
        self
    }

    /// Compares the unit of the instrument, such as `s`.
    ///
    /// # Panics
    ///
    /// If the unit differs, or if the instrument has no values.
    #[track_caller]
    pub fn unit(self, expected: &str) -> Self {
        let found = self.all.first().map(|point| point.unit.as_str());
        assert!(
            found == Some(expected),
            "expected the unit {expected:?}, found {found:?}\n{}",
            self.report()
        );
        self
    }

    /// Returns all series of the instrument, of which the selected ones are marked.
    fn report(&self) -> String {
        let mut report = self.name.clone();
        for (key, expected) in &self.labels {
            let _ = write!(report, " {key}={expected}");
        }
        report.push('\n');
        let selected = self.points();
        for point in &self.all {
            let mark = if selected.iter().any(|it| std::ptr::eq(*it, point)) { ">" } else { " " };
            let _ = writeln!(report, "{mark} {point}");
        }
        if self.all.is_empty() {
            let _ = writeln!(
                report,
                "  no values; instruments with values: {}",
                self.others.join(", ")
            );
        }
        if self.open_spans > 0 {
            report.push_str(
                "note: some spans have not ended: wait for the trace first, because a request is measured at its end\n",
            );
        }
        report
    }
}
