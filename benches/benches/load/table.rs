use std::fmt::Write;

use benches::{Role, median};

use crate::{Run, wrk::Turn};

pub(crate) fn table(runs: &[Run], requests: u64) -> String {
    let mut table = String::from(
        "Every span is recorded, and dropped when it ends. Throughput, processor time a request and the time that 99 % of the \
         requests stay below, in those of the bare server: medians of paired turns.\n\n",
    );
    let memory = if requests == 0 {
        "memory".to_owned()
    } else {
        format!("memory after {requests} requests")
    };
    let _ =
        writeln!(table, "| | requests a second | throughput | processor time | p99 | {memory} |");
    let _ = writeln!(table, "| --- | ---: | ---: | ---: | ---: | ---: |");
    for run in runs {
        let Some(bare) = runs.iter().find(|other| is_bare_of(other, run)) else { continue };
        let ratio = |figure: fn(&Turn) -> f64| {
            let turns = run.turns.iter().zip(&bare.turns);
            median(turns.map(|(turn, bare)| figure(turn) / figure(bare)).collect())
        };
        let _ = writeln!(
            table,
            "| {:?} | {:.0} | {:.2} | {:.2} | {:.2} | {:.1} MiB |",
            run.server.case.subject,
            median(run.turns.iter().map(|turn| turn.throughput).collect()),
            ratio(|turn| turn.throughput),
            ratio(|turn| turn.processor),
            ratio(|turn| turn.p99.as_secs_f64()),
            run.memory as f64 / 1024.0,
        );
    }
    table
}

fn is_bare_of(other: &Run, run: &Run) -> bool {
    let (other, subject) = (other.server.case.subject, run.server.case.subject);
    other.role == Role::Bare && other.framework == subject.framework
}
