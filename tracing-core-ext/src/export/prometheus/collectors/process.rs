use procfs::{
    ProcResult,
    process::{LimitValue, Process, Stat},
};
use prometheus::{
    core::{Collector, Desc},
    proto::MetricFamily,
};

use crate::export::prometheus::format::family::{count, counter, gauge};

/// Collector of process metrics from `/proc`. The collector of the `prometheus` crate truncates CPU
/// time to whole seconds, so a rate of it is mostly zero.
#[derive(Debug)]
pub(crate) struct ProcessCollector;

impl Collector for ProcessCollector {
    fn desc(&self) -> Vec<&Desc> {
        Vec::new()
    }

    /// Metrics that cannot be read are omitted.
    fn collect(&self) -> Vec<MetricFamily> {
        let Ok(process) = Process::myself() else {
            return Vec::new();
        };
        let mut families = process.stat().map(|stat| process_families(&stat)).unwrap_or_default();
        families.extend(
            process.fd_count().map(|fds| {
                gauge("process_open_fds", "Number of open file descriptors.", fds as f64)
            }),
        );
        families.extend(
            max_fds(&process).map(|fds| {
                gauge("process_max_fds", "Maximum number of open file descriptors.", fds)
            }),
        );
        families
    }
}

fn process_families(stat: &Stat) -> Vec<MetricFamily> {
    let seconds = |ticks: u64| ticks as f64 / procfs::ticks_per_second() as f64;
    let cpu = count(seconds(stat.utime + stat.stime), &[]);
    let resident = stat.rss * procfs::page_size();
    let mut families = vec![
        counter(
            "process_cpu_seconds_total",
            "Total user and system CPU time spent in seconds.",
            vec![cpu],
        ),
        gauge("process_resident_memory_bytes", "Resident memory size in bytes.", resident as f64),
        gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", stat.vsize as f64),
        gauge("process_threads", "Number of OS threads in the process.", stat.num_threads as f64),
    ];
    families.extend(procfs::boot_time_secs().map(|boot| {
        let start = boot as f64 + seconds(stat.starttime);
        gauge(
            "process_start_time_seconds",
            "Start time of the process since unix epoch in seconds.",
            start,
        )
    }));
    families
}

fn max_fds(process: &Process) -> ProcResult<f64> {
    Ok(match process.limits()?.max_open_files.soft_limit {
        LimitValue::Value(most) => most as f64,
        LimitValue::Unlimited => f64::INFINITY,
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Instant, SystemTime};

    use crate::export::prometheus::collectors::process::*;

    fn value(name: &str) -> f64 {
        let families = ProcessCollector.collect();
        let family = families.iter().find(|family| family.name() == name).unwrap();
        let metric = &family.get_metric()[0];
        metric.get_counter().get_value() + metric.get_gauge().get_value()
    }

    #[test]
    fn this_process_has_threads_memory_and_files() {
        for (name, least) in [
            ("process_threads", 1.0),
            ("process_resident_memory_bytes", 100_000.0),
            ("process_virtual_memory_bytes", 1_000_000.0),
            ("process_open_fds", 3.0),
            ("process_max_fds", 16.0),
        ] {
            assert!(value(name) >= least, "{name}");
        }
    }

    #[test]
    fn this_process_began_before_now_and_after_the_machine() {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let start = value("process_start_time_seconds");
        let age = now.as_secs_f64() - start;
        assert!((-2.0..3600.0).contains(&age), "{age}");
        // No test starts within seconds of the boot.
        let boot = procfs::boot_time_secs().unwrap() as f64;
        assert!(start > boot + 3.0, "{start} {boot}");
    }

    #[test]
    fn the_time_of_the_cpu_is_that_of_the_user_and_of_the_system() {
        let stat = || Process::myself().unwrap().stat().unwrap();
        let (started, mut now) = (Instant::now(), stat());
        // Reading these files uses both user and system time.
        while now.stime < 10 || now.utime < 10 {
            assert!(started.elapsed().as_secs() < 60);
            now = stat();
        }
        let least = (now.utime + now.stime) as f64 / procfs::ticks_per_second() as f64;
        let cpu = value("process_cpu_seconds_total");
        assert!((least..least + 1.0).contains(&cpu), "{cpu} {least}");
    }
}
