use std::{
    collections::HashMap,
    fmt::{self, Write},
    sync::Arc,
    time::SystemTime,
};

use prometheus::proto::{Histogram, Metric, MetricFamily, MetricType, Summary};

use super::{
    exemplars,
    family::{Labels, TARGET_INFO, sorted_labels},
    name,
};
use crate::metrics::exemplars::{Exemplar, Exemplars, SeriesExemplars};

/// Units that are suffixes of metric names.
const UNITS: [&str; 2] = ["seconds", "bytes"];

type Series = HashMap<Labels, Arc<SeriesExemplars>>;

/// Encodes `families` as OpenMetrics 1.0, with the exemplars of their buckets.
///
/// ```text
/// # TYPE acme_request_seconds histogram
/// # UNIT acme_request_seconds seconds
/// # HELP acme_request_seconds Duration of requests.
/// acme_request_seconds_bucket{le="0.1"} 1 # {trace_id="5b8e…",span_id="0a2c…"} 0.067 1520879607.789
/// acme_request_seconds_bucket{le="+Inf"} 1
/// acme_request_seconds_count 1
/// acme_request_seconds_sum 0.067
/// # EOF
/// ```
///
/// The families are the same as for the text format. `prometheus-client` can write this format, but
/// has a separate registry and separate metrics, which neither OpenTelemetry nor users of
/// `prometheus` fill.
pub(crate) fn encode(families: &[MetricFamily], exemplars: &Exemplars) -> String {
    let mut page = Page(String::new());
    for family in families {
        page.family(family, exemplars);
    }
    page.0.push_str("# EOF\n");
    page.0
}

struct Page(String);

/// Name and type of a family, for its metadata lines and samples.
struct Family<'a> {
    name: &'a str,
    kind: &'static str,
}

impl<'a> Family<'a> {
    fn of(family: &'a MetricFamily) -> Self {
        let name = family.name();
        match family.get_field_type() {
            MetricType::GAUGE if is_info(family) => Self { name: "target", kind: "info" },
            MetricType::COUNTER => Self { name: name::base(name), kind: "counter" },
            MetricType::GAUGE => Self { name, kind: "gauge" },
            MetricType::HISTOGRAM => Self { name, kind: "histogram" },
            MetricType::SUMMARY => Self { name, kind: "summary" },
            MetricType::UNTYPED => Self { name, kind: "unknown" },
        }
    }

    fn unit(&self) -> Option<&'static str> {
        let is_behind = |unit: &&str| {
            let rest = self.name.strip_suffix(*unit);
            rest.is_some_and(|rest| rest.ends_with('_'))
        };
        UNITS.into_iter().find(is_behind)
    }
}

/// Whether this is the resource, and no instrument of the service that has the same name.
fn is_info(family: &MetricFamily) -> bool {
    let is_one = |metric: &Metric| metric.get_gauge().get_value().to_bits() == 1_f64.to_bits();
    family.name() == TARGET_INFO && family.get_metric().iter().all(is_one)
}

impl Page {
    fn family(&mut self, of: &MetricFamily, exemplars: &Exemplars) {
        let family = Family::of(of);
        self.write(format_args!("# TYPE {} {}\n", family.name, family.kind));
        if let Some(unit) = family.unit() {
            self.write(format_args!("# UNIT {} {unit}\n", family.name));
        }
        if !of.help().is_empty() {
            self.write(format_args!("# HELP {} {}\n", family.name, Escaped(of.help())));
        }
        let series = match of.get_field_type() {
            MetricType::HISTOGRAM => exemplars::of_family(exemplars, of.name()),
            _ => Series::new(),
        };
        for metric in of.get_metric() {
            self.metric(&family, of.get_field_type(), metric, &series);
        }
    }

    fn metric(&mut self, family: &Family<'_>, kind: MetricType, metric: &Metric, series: &Series) {
        match kind {
            MetricType::COUNTER => {
                self.sample(family, "_total", metric, None, metric.get_counter().get_value());
            }
            MetricType::GAUGE if family.kind == "info" => {
                self.sample(family, "_info", metric, None, 1.0);
            }
            MetricType::GAUGE => {
                self.sample(family, "", metric, None, metric.get_gauge().get_value());
            }
            MetricType::HISTOGRAM => {
                let exemplars = series.get(&sorted_labels(metric)).map(AsRef::as_ref);
                self.histogram(family, metric, metric.get_histogram(), exemplars);
            }
            MetricType::SUMMARY => self.summary(family, metric, metric.get_summary()),
            MetricType::UNTYPED => {}
        }
    }

    fn histogram(
        &mut self,
        family: &Family<'_>,
        metric: &Metric,
        histogram: &Histogram,
        exemplars: Option<&SeriesExemplars>,
    ) {
        let count = histogram.get_sample_count();
        let bounded = histogram.get_bucket().iter();
        let bounded = bounded.map(|bucket| (bucket.upper_bound(), bucket.cumulative_count()));
        let bounded = bounded.filter(|(bound, _)| bound.is_finite());
        for (bound, count) in bounded.chain([(f64::INFINITY, count)]) {
            let exemplar = exemplars.and_then(|exemplars| exemplars.up_to(bound));
            let le = Canonical(bound).to_string();
            self.labelled(family, "_bucket", metric, Some(("le", &le)));
            self.write(format_args!(" {count}"));
            self.end(metric, exemplar);
        }
        // "If there are negative bucket boundaries, [...] Sum MUST NOT be exposed", and no count
        // without a sum.
        if histogram.get_bucket().iter().all(|bucket| bucket.upper_bound() >= 0.0) {
            self.count_and_sum(family, metric, count, histogram.get_sample_sum());
        }
    }

    fn summary(&mut self, family: &Family<'_>, metric: &Metric, summary: &Summary) {
        for quantile in summary.get_quantile() {
            let at = Canonical(quantile.quantile()).to_string();
            self.sample(family, "", metric, Some(("quantile", &at)), quantile.value());
        }
        self.count_and_sum(family, metric, summary.sample_count(), summary.sample_sum());
    }

    fn count_and_sum(&mut self, family: &Family<'_>, metric: &Metric, count: u64, sum: f64) {
        self.labelled(family, "_count", metric, None);
        self.write(format_args!(" {count}"));
        self.end(metric, None);
        self.sample(family, "_sum", metric, None, sum);
    }

    fn sample(
        &mut self,
        family: &Family<'_>,
        suffix: &str,
        metric: &Metric,
        label: Option<(&str, &str)>,
        value: f64,
    ) {
        self.labelled(family, suffix, metric, label);
        self.write(format_args!(" {}", Number(value)));
        self.end(metric, None);
    }

    fn labelled(
        &mut self,
        family: &Family<'_>,
        suffix: &str,
        metric: &Metric,
        label: Option<(&str, &str)>,
    ) {
        self.write(format_args!("{}{suffix}", family.name));
        let labels = metric.get_label().iter().map(|label| (label.name(), label.value()));
        let mut before = '{';
        for (name, value) in labels.chain(label) {
            self.write(format_args!("{before}{name}=\"{}\"", Escaped(value)));
            before = ',';
        }
        if before == ',' {
            self.0.push('}');
        }
    }

    fn end(&mut self, metric: &Metric, exemplar: Option<Exemplar>) {
        if metric.timestamp_ms() != 0 {
            self.write(format_args!(" {}", metric.timestamp_ms() as f64 / 1e3));
        }
        if let Some(exemplar) = exemplar {
            self.write(format_args!("{exemplar}"));
        }
        self.0.push('\n');
    }

    fn write(&mut self, arguments: fmt::Arguments<'_>) {
        let _ = self.0.write_fmt(arguments);
    }
}

/// The labels are well below the limit of 128 characters for an exemplar.
impl fmt::Display for Exemplar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace_id, span_id, value, at } = self;
        let value = Number(*value);
        write!(f, " # {{trace_id=\"{trace_id}\",span_id=\"{span_id}\"}} {value}")?;
        match at.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => write!(f, " {}.{:03}", since.as_secs(), since.subsec_millis()),
            Err(_) => Ok(()),
        }
    }
}

struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            f64::INFINITY => f.write_str("+Inf"),
            f64::NEG_INFINITY => f.write_str("-Inf"),
            number => write!(f, "{number}"),
        }
    }
}

/// Number in a label, in its canonical form: with a decimal point, and with an exponent of two
/// digits if it is far from 1.
///
/// OpenMetrics 1.0, "Considerations: Canonical Numbers".
struct Canonical(f64);

impl fmt::Display for Canonical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        if !size.is_finite() {
            return Number(self.0).fmt(f);
        }
        if size == 0.0 || (1e-4..1e6).contains(&size) {
            return write!(f, "{:?}", self.0);
        }
        let scientific = format!("{:e}", self.0);
        let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        write!(f, "{digits}e{sign}{exponent:0>2}")
    }
}

/// Text with `\`, `"` and line feeds escaped.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for char in self.0.chars() {
            match char {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use opentelemetry::{InstrumentationScope, KeyValue, trace::TraceFlags};
    use prometheus::{
        Gauge, HistogramOpts, HistogramVec, IntCounter, Opts,
        core::Collector,
        proto::{Quantile, Summary},
    };

    use crate::export::prometheus::format::openmetrics::*;
    use crate::{
        export::prometheus::format::family::{family, gauge},
        metrics::exemplars::tests::span,
    };

    fn encoded(families: &[MetricFamily]) -> String {
        encode(families, &Exemplars::default())
    }

    #[test]
    fn a_counter_is_named_without_its_suffix_and_counts_with_it() {
        for name in ["orders_total", "orders"] {
            let orders = IntCounter::new(name, "Orders \"taken\"\nso far \\ today.").unwrap();
            orders.inc_by(3);
            assert_eq!(
                encoded(&orders.collect()),
                "# TYPE orders counter\n\
                 # HELP orders Orders \\\"taken\\\"\\nso far \\\\ today.\n\
                 orders_total 3\n\
                 # EOF\n"
            );
        }
    }

    #[test]
    fn a_gauge_has_its_unit_and_its_labels_escaped() {
        let options = Opts::new("queue_wait_seconds", "Wait.");
        let wait = Gauge::with_opts(options.const_label("shop", "a\"b\\c\nd")).unwrap();
        wait.set(f64::NEG_INFINITY);
        assert_eq!(
            encoded(&wait.collect()),
            "# TYPE queue_wait_seconds gauge\n\
             # UNIT queue_wait_seconds seconds\n\
             # HELP queue_wait_seconds Wait.\n\
             queue_wait_seconds{shop=\"a\\\"b\\\\c\\nd\"} -Inf\n\
             # EOF\n"
        );
    }

    #[test]
    fn the_target_is_an_info() {
        assert_eq!(
            encoded(&[gauge("target_info", "Target metadata", 1.0)]),
            "# TYPE target info\n# HELP target Target metadata\ntarget_info 1\n# EOF\n"
        );
    }

    #[test]
    fn an_instrument_with_the_name_of_the_target_keeps_its_type() {
        assert_eq!(
            encoded(&[gauge("target_info", "", 7.0)]),
            "# TYPE target_info gauge\ntarget_info 7\n# EOF\n"
        );
        let mut histogram = Histogram::default();
        histogram.set_sample_count(1);
        let mut metric = Metric::default();
        metric.set_histogram(histogram);
        let page = encoded(&[family(MetricType::HISTOGRAM, "target_info", "", vec![metric])]);
        assert!(page.starts_with("# TYPE target_info histogram\ntarget_info_bucket{"), "{page}");
    }

    #[test]
    fn a_summary_has_quantiles() {
        let mut quantile = Quantile::default();
        quantile.set_quantile(0.5);
        quantile.set_value(2.0);
        let mut summary = Summary::default();
        summary.set_quantile(vec![quantile]);
        summary.set_sample_count(3);
        summary.set_sample_sum(7.0);
        let mut metric = Metric::default();
        metric.set_summary(summary);
        metric.set_timestamp_ms(1_500);
        let mut family = MetricFamily::default();
        family.set_name("size".to_owned());
        family.set_field_type(MetricType::SUMMARY);
        family.set_metric(vec![metric]);
        assert_eq!(
            encoded(&[family]),
            "# TYPE size summary\n\
             size{quantile=\"0.5\"} 2 1.5\n\
             size_count 3 1.5\n\
             size_sum 7 1.5\n\
             # EOF\n"
        );
    }

    #[test]
    fn a_bucket_has_the_exemplar_of_what_it_counted_last() {
        let exemplars = Exemplars::default();
        let scope = InstrumentationScope::builder("shop").with_version("1").build();
        let histogram = exemplars.histogram(&scope, "request.duration", "s", &[0.1, 1.0]);
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_520_879_607_789);
        let attributes = [KeyValue::new("http.route", "/a"), KeyValue::new("status", 200)];
        histogram.record(&attributes, 0.067, &span(0xab, TraceFlags::SAMPLED), at);
        histogram.record(&attributes, 3.0, &span(0xcd, TraceFlags::SAMPLED), at);
        let other = [KeyValue::new("http.route", "/b"), KeyValue::new("status", 200)];
        histogram.record(&other, 0.067, &span(0xef, TraceFlags::SAMPLED), at);

        let names = ["http_route", "status", "otel_scope_name", "otel_scope_version"];
        let options = HistogramOpts::new("request_duration_seconds", "Duration.");
        let measured = HistogramVec::new(options.buckets(vec![0.1, 1.0]), &names).unwrap();
        let series = measured.with_label_values(&["/a", "200", "shop", "1"]);
        [0.067, 3.0].into_iter().for_each(|value| series.observe(value));
        let (trace, span) = ("ab".repeat(16), "ab".repeat(8));
        let (trace_above, span_above) = ("cd".repeat(16), "cd".repeat(8));
        let labels =
            "http_route=\"/a\",otel_scope_name=\"shop\",otel_scope_version=\"1\",status=\"200\"";
        let name = "request_duration_seconds";
        assert_eq!(
            encode(&measured.collect(), &exemplars),
            format!(
                "# TYPE {name} histogram\n\
                 # UNIT {name} seconds\n\
                 # HELP {name} Duration.\n\
                 {name}_bucket{{{labels},le=\"0.1\"}} 1 # {{trace_id=\"{trace}\",span_id=\"{span}\"}} \
                 0.067 1520879607.789\n\
                 {name}_bucket{{{labels},le=\"1.0\"}} 1\n\
                 {name}_bucket{{{labels},le=\"+Inf\"}} 2 # {{trace_id=\"{trace_above}\",\
                 span_id=\"{span_above}\"}} 3 1520879607.789\n\
                 {name}_count{{{labels}}} 2\n\
                 {name}_sum{{{labels}}} 3.067\n\
                 # EOF\n"
            )
        );
    }

    #[test]
    fn below_zero_there_is_no_sum() {
        let options = HistogramOpts::new("drift", "Drift.").buckets(vec![-1.0, 1.0]);
        let drift = prometheus::Histogram::with_opts(options).unwrap();
        drift.observe(-2.0);
        assert_eq!(
            encoded(&drift.collect()),
            "# TYPE drift histogram\n\
             # HELP drift Drift.\n\
             drift_bucket{le=\"-1.0\"} 1\n\
             drift_bucket{le=\"1.0\"} 1\n\
             drift_bucket{le=\"+Inf\"} 1\n\
             # EOF\n"
        );
    }

    #[test]
    fn bounds_are_spelled_as_everybody_spells_them() {
        for (bound, spelled) in [
            (0.0, "0.0"),
            (0.005, "0.005"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.0, "1.0"),
            (2.5, "2.5"),
            (100_000.0, "100000.0"),
            (1e6, "1e+06"),
            (123_456_789.0, "1.23456789e+08"),
            (1e10, "1e+10"),
            (1e-10, "1e-10"),
            (-1.0, "-1.0"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(Canonical(bound).to_string(), spelled);
        }
    }
}
