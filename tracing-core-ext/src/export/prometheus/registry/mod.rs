//! The registry: everything that a scrape exposes.

pub(crate) mod exposed_names;
pub(crate) mod notices;
pub(crate) mod otel_family;
pub(crate) mod otel_registry;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use opentelemetry_sdk::metrics::Instrument;
use prometheus::{
    core::{Collector, Desc},
    proto::{MetricFamily, MetricType},
};

use self::{exposed_names::ExposedNames, notices::WarnOnce, otel_registry::OtelRegistry};
use super::{
    error::{Kind, RegisterError},
    format::{
        family::{count, counter},
        family_merge::{FamilyMerger, sample_names},
        name::{self, RESERVED, is_label_name, is_metric_name},
    },
};

/// Metrics that this crate records itself, without suffixes.
const OWN: [&str; 7] = [
    "http_client_request_body_size_bytes",
    "http_client_request_duration_seconds",
    "http_client_response_body_size_bytes",
    "http_server_active_requests",
    "http_server_request_body_size_bytes",
    "http_server_request_duration_seconds",
    "http_server_response_body_size_bytes",
];

/// Registry of all exposed metrics: those of OpenTelemetry's meters, those of process and runtime,
/// and the collectors of the `prometheus` crate that are registered here. A clone is a handle to
/// the same registry.
///
/// ```
/// use prometheus::IntCounter;
/// use tracing_core_ext::{prometheus::Prometheus, telemetry::Telemetry};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (telemetry, _subscriber) = Telemetry::builder()
///     .service_name("checkout")
///     .prometheus(Prometheus::mounted())
///     .build()?;
/// let registry = telemetry.registry().expect("Prometheus was asked for");
///
/// let orders = IntCounter::new("shop_orders_total", "Orders taken.")?;
/// registry.register(orders.clone())?;
/// orders.inc();
///
/// let again = registry.register(orders).unwrap_err();
/// assert_eq!(
///     again.to_string(),
///     "metric \"shop_orders_total\": expected a name that is not registered yet",
/// );
/// # telemetry.shutdown()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Registry(Arc<Inner>);

#[derive(Default)]
struct Inner {
    meters: OtelRegistry,
    collectors: RwLock<Vec<Arc<dyn Collector>>>,
    registered: Mutex<HashMap<String, Registered>>,
    instruments: ExposedNames,
    notices: WarnOnce,
    callback_panics: Arc<AtomicU64>,
}

/// Registered name, with the properties that must differ or agree if it is registered again with
/// other constant labels.
struct Registered {
    name: String,
    dimensions: u64,
    ids: Vec<u64>,
    kind: Option<MetricType>,
}

impl Registry {
    pub(crate) fn new(meters: OtelRegistry) -> Self {
        Self(Arc::new(Inner { meters, ..Inner::default() }))
    }

    /// Adds a collector of the `prometheus` crate.
    ///
    /// # Errors
    ///
    /// If a metric of it is registered already, has an invalid name or label, has a reserved name,
    /// or conflicts with another metric: in OpenMetrics, `orders` and `orders_total` name the same
    /// counter.
    pub fn register(&self, collector: impl Collector + 'static) -> Result<(), RegisterError> {
        self.register_shared(Arc::new(collector))
    }

    pub(super) fn register_shared(
        &self,
        collector: Arc<dyn Collector>,
    ) -> Result<(), RegisterError> {
        let kinds = kinds(&collector.collect());
        let descriptions: Vec<Desc> = collector.desc().into_iter().cloned().collect();
        if descriptions.is_empty() {
            return Err(Kind::NoMetrics.into());
        }
        let mut registered = self.registered();
        for desc in &descriptions {
            self.check(desc, &kinds, &registered)?;
        }
        for desc in descriptions {
            let kind = kinds.get(&desc.fq_name).copied();
            remember(&mut registered, desc, kind);
        }
        self.add(collector);
        Ok(())
    }

    /// Adds a collector of this crate. Its names are reserved.
    pub(super) fn add(&self, collector: Arc<dyn Collector>) {
        self.0.collectors.write().unwrap_or_else(PoisonError::into_inner).push(collector);
    }

    /// Logs a warning if the name of an instrument is taken in Prometheus.
    pub(crate) fn see(&self, instrument: &Instrument) {
        let Inner { instruments, notices, .. } = &*self.0;
        let metric = instruments.register(instrument, notices);
        let names = sample_names(&metric, name::metric_type(instrument.kind()));
        let registered = self.registered();
        if let Some(known) = names.iter().find_map(|name| registered.get(name::base(name))) {
            let other = format!("a registered collector's {:?}", known.name);
            notices.name_conflict(&metric, &format!("{:?}", instrument.name()), &other);
        }
    }

    /// Collects from all collectors, in the order they were added, and from the meters. If two
    /// metrics have one name, the first is kept. No lock is held during collection, because a
    /// collector may register another one.
    ///
    /// # Errors
    ///
    /// If the meters cannot be read.
    pub(crate) fn gather(&self) -> Result<Vec<MetricFamily>, String> {
        let notices = &self.0.notices;
        let collectors = self.0.collectors.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut families: Vec<_> = collectors.iter().flat_map(|it| it.collect()).collect();
        families.extend(self.gather_meters()?);
        let mut gathering = FamilyMerger::default();
        families.into_iter().for_each(|family| gathering.add(family, notices));
        gathering.add(self.skipped(), notices);
        Ok(gathering.into_families())
    }

    /// Collects from the meters, in the order in which the instruments were created. An instrument
    /// whose name an earlier one has taken is omitted, even while the earlier one has no values.
    fn gather_meters(&self) -> Result<Vec<MetricFamily>, String> {
        let Inner { meters, instruments, notices, .. } = &*self.0;
        let families = meters.collect().inspect_err(|reason| notices.meters_failed(reason))?;
        let mut positioned = Vec::with_capacity(families.len());
        for family in families {
            match instruments.position(&family) {
                Some(position) => positioned.push((position, family)),
                None => notices.skipped_conflict(),
            }
        }
        positioned.sort_by_key(|(position, _)| *position);
        Ok(positioned.into_iter().map(|(_, family)| family).collect())
    }

    /// Returns the counter of panics of observable callbacks.
    pub(super) fn callback_panics(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.0.callback_panics)
    }

    fn registered(&self) -> MutexGuard<'_, HashMap<String, Registered>> {
        self.0.registered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn skipped(&self) -> MetricFamily {
        let panics = self.0.callback_panics.load(Ordering::Relaxed);
        let skipped = self.0.notices.count() + panics;
        counter(
            "otel_prometheus_skipped_total",
            "Metrics and samples left out of scrapes because they clash, are malformed, or are of a callback that panicked.",
            vec![count(skipped as f64, &[])],
        )
    }

    fn check(
        &self,
        desc: &Desc,
        kinds: &HashMap<String, MetricType>,
        registered: &HashMap<String, Registered>,
    ) -> Result<(), Kind> {
        let name = desc.fq_name.clone();
        if !is_metric_name(&name) {
            return Err(Kind::Invalid { name });
        }
        if RESERVED.iter().any(|prefix| name.starts_with(prefix)) {
            return Err(Kind::Reserved { name });
        }
        if let Some(label) = label_names(desc).find(|label| !is_label_name(label)) {
            return Err(Kind::InvalidLabel { name, label: label.to_owned() });
        }
        let base = name::base(&name);
        if let Some(other) = OWN.iter().find(|own| **own == base) {
            return Err(Kind::Clash { name, other: (*other).to_owned() });
        }
        if let Some(other) = self.0.instruments.named(&name) {
            return Err(Kind::Clash { name, other });
        }
        match registered.get(base) {
            Some(known) => known.check(desc, kinds.get(&name).copied()),
            None => Ok(()),
        }
    }
}

impl Registered {
    /// Checks a metric. A name may be registered several times with different values of its
    /// constant labels.
    fn check(&self, desc: &Desc, kind: Option<MetricType>) -> Result<(), Kind> {
        let name = desc.fq_name.clone();
        if self.name != name {
            return Err(Kind::Clash { name, other: self.name.clone() });
        }
        if self.ids.contains(&desc.id) {
            return Err(Kind::Registered { name });
        }
        let has_other_type = self.kind.zip(kind).is_some_and(|(known, new)| known != new);
        match self.dimensions != desc.dim_hash || has_other_type {
            true => Err(Kind::Differs { name }),
            false => Ok(()),
        }
    }
}

fn label_names(desc: &Desc) -> impl Iterator<Item = &str> {
    let constant = desc.const_label_pairs.iter().map(|label| label.name());
    constant.chain(desc.variable_labels.iter().map(String::as_str))
}

fn remember(registered: &mut HashMap<String, Registered>, desc: Desc, kind: Option<MetricType>) {
    let base = name::base(&desc.fq_name).to_owned();
    let known = registered.entry(base).or_insert_with(|| Registered {
        name: desc.fq_name,
        dimensions: desc.dim_hash,
        ids: Vec::new(),
        kind,
    });
    known.ids.push(desc.id);
    known.kind = known.kind.or(kind);
}

fn kinds(families: &[MetricFamily]) -> HashMap<String, MetricType> {
    let kind = |family: &MetricFamily| (family.name().to_owned(), family.get_field_type());
    families.iter().map(kind).collect()
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let registered = self.registered();
        f.debug_struct("Registry").field("registered", &registered.keys()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use prometheus::{Gauge, IntCounter, IntCounterVec, IntGauge, Opts};

    use super::*;

    fn refusal(registry: &Registry, collector: impl Collector + 'static) -> String {
        registry.register(collector).unwrap_err().to_string()
    }

    fn count_of(name: &str) -> IntCounter {
        IntCounter::new(name, "Help.").unwrap()
    }

    #[test]
    fn a_collector_is_registered_once() {
        let registry = Registry::default();
        let orders = count_of("orders_total");
        registry.register(orders.clone()).unwrap();
        assert_eq!(
            refusal(&registry, orders),
            "metric \"orders_total\": expected a name that is not registered yet"
        );
    }

    #[test]
    fn names_of_this_crate_are_refused() {
        let registry = Registry::default();
        for name in ["process_x", "tokio_x", "target_x", "otel_x"] {
            assert_eq!(
                refusal(&registry, count_of(name)),
                format!(
                    "metric {name:?}: expected a name that does not begin with \
                     process_, tokio_, target_ or otel_"
                )
            );
        }
        assert_eq!(
            refusal(&registry, count_of("http_server_request_duration_seconds_total")),
            "metric \"http_server_request_duration_seconds_total\": expected a name that does not \
             clash with \"http_server_request_duration_seconds\""
        );
    }

    #[test]
    fn labels_that_prometheus_reserves_are_refused() {
        let registry = Registry::default();
        let expected = "metric \"stock\": expected labels of letters, digits and _ that do not begin with a digit or __, \
                        not \"__name__\"";
        let constant = Opts::new("stock", "Help.").const_label("__name__", "evil");
        assert_eq!(refusal(&registry, Gauge::with_opts(constant).unwrap()), expected);
        let variable = IntCounterVec::new(Opts::new("stock", "Help."), &["__name__"]).unwrap();
        assert_eq!(refusal(&registry, variable), expected);
    }

    #[test]
    fn a_counter_and_its_total_clash() {
        let registry = Registry::default();
        registry.register(count_of("orders_total")).unwrap();
        assert_eq!(
            refusal(&registry, IntGauge::new("orders", "Help.").unwrap()),
            "metric \"orders\": expected a name that does not clash with \"orders_total\""
        );
    }

    #[test]
    fn one_name_may_have_several_values_of_a_constant_label() {
        let registry = Registry::default();
        let of_shop = |shop: &str, help: &str| Opts::new("stock", help).const_label("shop", shop);
        registry.register(Gauge::with_opts(of_shop("a", "Help.")).unwrap()).unwrap();
        registry.register(Gauge::with_opts(of_shop("b", "Help.")).unwrap()).unwrap();
        let differs = "metric \"stock\": expected the type, the help and the labels that it is \
                       registered with";
        let other_help = Gauge::with_opts(of_shop("c", "Other.")).unwrap();
        assert_eq!(refusal(&registry, other_help), differs);
        let other_type = IntCounter::with_opts(of_shop("c", "Help.")).unwrap();
        assert_eq!(refusal(&registry, other_type), differs);
    }

    #[test]
    fn a_collector_that_describes_nothing_is_refused() {
        #[derive(Debug)]
        struct Silent;
        impl Collector for Silent {
            fn desc(&self) -> Vec<&Desc> {
                Vec::new()
            }
            fn collect(&self) -> Vec<MetricFamily> {
                Vec::new()
            }
        }
        assert_eq!(
            refusal(&Registry::default(), Silent),
            "a collector without metrics: expected one whose desc() tells what it collects"
        );
    }

    #[test]
    fn a_refused_collector_leaves_nothing_behind() {
        let registry = Registry::default();
        registry.register(count_of("orders_total")).unwrap();
        refusal(&registry, count_of("orders_total"));
        let paid = IntCounterVec::new(Opts::new("paid_total", "Help."), &["by"]).unwrap();
        paid.with_label_values(&["card"]).inc();
        registry.register(paid).unwrap();
        let names = |family: &MetricFamily| family.name().to_owned();
        let names: Vec<String> = registry.gather().unwrap().iter().map(names).collect();
        assert_eq!(names, ["orders_total", "otel_prometheus_skipped_total", "paid_total"]);
    }
}
