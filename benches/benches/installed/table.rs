use std::fmt::Write;

use benches::{
    Framework::{self, Actix, Axum},
    deviation,
    installed::{Installation, Tracing},
    mean, thousands,
};

use crate::{
    instructions::{self, Cost},
    processor::{self, Times},
    specification::Figures,
};

/// The fastest other middleware for axum.
pub(crate) const AXUM_RIVAL: &str = "opentelemetry-instrumentation-tower";

/// The fastest other middleware for actix-web.
pub(crate) const ACTIX_RIVAL: &str = "opentelemetry-instrumentation-actix-web";

/// A line of the first table.
struct Row {
    framework: Framework,
    ours: Tracing,
    rival: Tracing,
    /// Target ratios of instructions and of processor time.
    targets: [Option<f64>; 2],
}

const ROWS: [Row; 4] = [installed(Axum), unsubscribed(Axum), installed(Actix), unsubscribed(Actix)];

const fn installed(framework: Framework) -> Row {
    let targets = [Some(0.40), Some(0.60)];
    Row { framework, ours: Tracing::Ours, rival: Tracing::Rival, targets }
}

const fn unsubscribed(framework: Framework) -> Row {
    let (ours, rival) = (Tracing::OursUnsubscribed, Tracing::RivalUnsubscribed);
    Row { framework, ours, rival, targets: [Some(0.30), None] }
}

/// Returns the table of this workspace beside the fastest rival.
pub(crate) fn requests(costs: &[Cost], times: &[Times]) -> String {
    let mut table = format!(
        "## A request and the export of its span\n\n\
         All threads, over the bare service with the same request. Every span is sampled and exported over OTLP (HTTP, \
         protobuf) to another process, which receives each exactly once; the address of the peer is known. \"Installed\" \
         writes log lines at `info` to standard error; the rest has no `tracing` subscriber. The rivals are {AXUM_RIVAL} and \
         {ACTIX_RIVAL} with the SDK's batch processor, opentelemetry-otlp and, installed, the subscriber \
         `tracing_subscriber::fmt`. Instructions are those of the user space. Processor time is user and system time, a median; \
         its ratio is the median of paired ratios.\n\n\
         | | ours, instructions | rival | ratio | target | ours, on the request's thread | rival | ratio | ours, processor time | \
         rival | ratio | target |\n\
         | --- | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n"
    );
    for row in &ROWS {
        table.push_str(&request(row, costs, times).unwrap_or_default());
    }
    table.push_str(&with_logs(costs));
    table
}

/// Returns the table of this workspace with one event per request.
fn with_logs(costs: &[Cost]) -> String {
    let mut table = String::from(
        "\nWith one event per request (a message and two fields), which is printed and exported as a log record:\n\n\
         | | instructions | on the request's thread |\n| --- | ---: | ---: |\n",
    );
    for framework in [Axum, Actix] {
        let installation = Installation { framework, tracing: Tracing::OursLogs };
        let cost = instructions::over_bare(installation, costs);
        let [all, request] = [cost.all_threads, cost.request_thread].map(thousands);
        let _ = writeln!(table, "| {installation} | {all} | {request} |");
    }
    table
}

fn request(row: &Row, costs: &[Cost], times: &[Times]) -> Option<String> {
    let framework = row.framework;
    let [ours, rival] = [row.ours, row.rival].map(|tracing| Installation { framework, tracing });
    let [our_cost, rival_cost] = [ours, rival].map(|of| instructions::over_bare(of, costs));
    let [instructions, time] = row.targets.map(target);
    Some(format!(
        "| {ours} | {} | {} | {:.2} | {instructions} | {} | {} | {:.2} | {:.0} ns | {:.0} ns | {:.2} | {time} |\n",
        thousands(our_cost.all_threads),
        thousands(rival_cost.all_threads),
        our_cost.all_threads as f64 / rival_cost.all_threads as f64,
        thousands(our_cost.request_thread),
        thousands(rival_cost.request_thread),
        our_cost.request_thread as f64 / rival_cost.request_thread as f64,
        processor::over_bare(ours, times)?,
        processor::over_bare(rival, times)?,
        processor::ratio(ours, rival, times)?,
    ))
}

fn target(target: Option<f64>) -> String {
    target.map_or_else(String::new, |target| format!("≤ {target:.2}"))
}

/// Returns the table of this workspace beside the SDK.
pub(crate) fn specification([ours, sdk]: &[Figures; 2]) -> String {
    let mut table = String::from(
        "## The figures that OpenTelemetry defines for SDKs\n\n\
         [Performance Benchmark of OpenTelemetry API](https://opentelemetry.io/docs/specs/otel/performance-benchmark/): spans \
         created and exported over OTLP, with ten attributes, in a second of one core (of processor time of all threads); and \
         the share of a core at 10,000 spans a second, for 15 seconds. Mean and standard deviation of ten measurements. The SDK \
         has its batch processor and opentelemetry-otlp; \"ours\" is installed.\n\n\
         | | ours | SDK |\n| --- | ---: | ---: |\n",
    );
    let mut row = |name, figure: fn(&[f64]) -> String, of: fn(&Figures) -> &[f64]| {
        let _ = writeln!(table, "| {name} | {} | {} |", figure(of(ours)), figure(of(sdk)));
    };
    row("spans a second and core", count, |figures| &figures.throughput);
    row("share of a core, average", share, |figures| &figures.average);
    row("share of a core, peak second", share, |figures| &figures.peak);
    table
}

fn count(figures: &[f64]) -> String {
    format!("{} ± {}", thousands(mean(figures) as i64), thousands(deviation(figures) as i64))
}

fn share(figures: &[f64]) -> String {
    format!("{:.2} % ± {:.2}", mean(figures), deviation(figures))
}
