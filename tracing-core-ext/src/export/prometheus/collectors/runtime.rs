use prometheus::{
    core::{Collector, Desc},
    proto::MetricFamily,
};
use tokio::runtime::{Handle, RuntimeMetrics};

use crate::export::prometheus::format::family::{count, counter, gauge};

/// Collector of the metrics of a tokio runtime.
///
/// It reads totals, not the intervals of `tokio-metrics`, because an interval depends on the
/// previous scrape.
#[derive(Debug)]
pub(crate) struct RuntimeCollector {
    metrics: RuntimeMetrics,
}

impl RuntimeCollector {
    pub(crate) fn new(runtime: &Handle) -> Self {
        Self { metrics: runtime.metrics() }
    }

    fn sizes(&self) -> [MetricFamily; 3] {
        let Self { metrics } = self;
        [
            gauge("tokio_workers", "Number of worker threads.", metrics.num_workers() as f64),
            gauge(
                "tokio_alive_tasks",
                "Number of tasks that have not ended.",
                metrics.num_alive_tasks() as f64,
            ),
            gauge(
                "tokio_global_queue_depth",
                "Number of tasks that wait in the queue all workers share.",
                metrics.global_queue_depth() as f64,
            ),
        ]
    }

    #[cfg(target_has_atomic = "64")]
    fn worker_families(&self) -> Vec<MetricFamily> {
        let Self { metrics } = self;
        let total = |name, help, of: &dyn Fn(usize) -> f64| {
            let of_worker = |worker: usize| count(of(worker), &[("worker", &worker.to_string())]);
            counter(name, help, (0..metrics.num_workers()).map(of_worker).collect())
        };
        vec![
            total(
                "tokio_worker_busy_seconds_total",
                "Time a worker has been busy; its rate is the busy ratio.",
                &|worker| metrics.worker_total_busy_duration(worker).as_secs_f64(),
            ),
            total(
                "tokio_worker_parks_total",
                "Times a worker has parked for want of work.",
                &|worker| metrics.worker_park_count(worker) as f64,
            ),
        ]
    }

    #[cfg(not(target_has_atomic = "64"))]
    fn worker_families(&self) -> Vec<MetricFamily> {
        Vec::new()
    }

    #[cfg(tokio_unstable)]
    fn unstable(&self) -> Vec<MetricFamily> {
        let Self { metrics } = self;
        let spawned = count(metrics.spawned_tasks_count() as f64, &[]);
        let forced = count(metrics.budget_forced_yield_count() as f64, &[]);
        vec![
            counter("tokio_spawned_tasks_total", "Tasks that were spawned.", vec![spawned]),
            counter(
                "tokio_budget_forced_yields_total",
                "Times a task was made to yield.",
                vec![forced],
            ),
            gauge(
                "tokio_blocking_threads",
                "Number of threads for blocking work.",
                metrics.num_blocking_threads() as f64,
            ),
            gauge(
                "tokio_blocking_queue_depth",
                "Number of blocking tasks that wait for a thread.",
                metrics.blocking_queue_depth() as f64,
            ),
        ]
    }

    #[cfg(not(tokio_unstable))]
    fn unstable(&self) -> Vec<MetricFamily> {
        Vec::new()
    }
}

impl Collector for RuntimeCollector {
    fn desc(&self) -> Vec<&Desc> {
        Vec::new()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut families = self.worker_families();
        families.extend(self.sizes());
        families.extend(self.unstable());
        families
    }
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use tokio::runtime::Builder;

    use crate::export::prometheus::collectors::runtime::*;

    fn metric(collector: &RuntimeCollector, name: &str) -> Vec<f64> {
        let families = collector.collect();
        let family = families.into_iter().find(|family| family.name() == name).unwrap();
        let value = |metric: &prometheus::proto::Metric| {
            metric.get_counter().get_value() + metric.get_gauge().get_value()
        };
        family.get_metric().iter().map(value).collect()
    }

    #[test]
    fn a_runtime_tells_its_workers_and_tasks() {
        let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let collector = RuntimeCollector::new(runtime.handle());
        let task = runtime.spawn(std::future::pending::<()>());
        assert_eq!(metric(&collector, "tokio_workers"), [2.0]);
        assert_eq!(metric(&collector, "tokio_alive_tasks"), [1.0]);
        assert_eq!(metric(&collector, "tokio_global_queue_depth").len(), 1);
        assert_eq!(metric(&collector, "tokio_worker_parks_total").len(), 2);
        task.abort();
    }

    #[test]
    fn a_busy_worker_is_busy_for_as_long_as_its_task() {
        let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let collector = RuntimeCollector::new(runtime.handle());
        let task = runtime.spawn(async { thread::sleep(Duration::from_millis(50)) });
        runtime.block_on(task).unwrap();
        thread::sleep(Duration::from_millis(20));
        let busy = metric(&collector, "tokio_worker_busy_seconds_total")[0];
        assert!(busy >= 0.05, "{busy}");
    }
}
