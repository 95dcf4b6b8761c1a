//! What gungraun counted, as one table of instructions per request.

use std::{
    env,
    error::Error,
    io::{self, BufRead, BufReader},
    process::{Command, ExitCode, Stdio},
};

use benches::{Case, Framework, Sampling, cases};
use serde_json::Value;

use crate::{
    counted::{LENGTHS, runs},
    limits::LIMITS,
};

/// Makes this program print what gungraun counted, a line for each run.
pub(crate) const AS_JSON: &str = "--output-format=json";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Instructions per request of one case.
struct Cost {
    case: Case,
    instructions: i64,
}

pub(crate) fn run() -> ExitCode {
    match count().map(|counts| costs(&counts)) {
        Ok(costs) => {
            print_table(&costs);
            check_limits(&costs)
        }
        Err(error) => {
            eprintln!("nothing counted: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The instructions of all runs, in their order.
fn count() -> Result<Vec<i64>> {
    let mut child = Command::new(env::current_exe()?)
        .args(["--bench", AS_JSON])
        .stdout(Stdio::piped())
        .spawn()?;
    let lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
    let counts: Vec<_> = lines.zip(runs()).map(|(line, run)| counted(line, run)).collect();
    let status = child.wait()?;
    if !status.success() || counts.len() != runs().count() {
        return Err(format!("gungraun made {} runs and ended with {status}", counts.len()).into());
    }
    counts.into_iter().collect()
}

fn counted(line: io::Result<String>, (case, requests): (Case, usize)) -> Result<i64> {
    let summary: Value = serde_json::from_str(&line?)?;
    let values = &summary["profiles"][0]["data"]["total"]["metrics"]["Ir"]["values"];
    // Beside an earlier run there is "both": the new value, then the old one.
    let new = [&values["new"], &values["both"][0]].into_iter().find_map(Value::as_i64);
    let instructions = new.ok_or_else(|| format!("no count in {summary}"))?;
    eprintln!("{instructions:>12} instructions, {requests:>4} requests: {case}");
    Ok(instructions)
}

fn costs(counts: &[i64]) -> Vec<Cost> {
    let requests = (LENGTHS[1] - LENGTHS[0]) as i64;
    let (pairs, _) = counts.as_chunks();
    let per_request = pairs.iter().map(|[short, long]| (long - short) / requests);
    cases()
        .into_iter()
        .zip(per_request)
        .map(|(case, instructions)| Cost { case, instructions })
        .collect()
}

/// What `case` costs over its baseline.
fn over_bare(costs: &[Cost], case: Case) -> Option<i64> {
    let baseline = match case.framework {
        Framework::None => 0,
        Framework::Axum | Framework::Actix => absolute(costs, case.baseline())?,
    };
    Some(absolute(costs, case)? - baseline)
}

fn absolute(costs: &[Cost], case: Case) -> Option<i64> {
    costs.iter().find(|cost| cost.case == case).map(|cost| cost.instructions)
}

fn print_table(costs: &[Cost]) {
    println!(
        "\nInstructions per request over the bare service; a bare service and propagation in full.\n"
    );
    println!("| {:<63} | {:>9} | {:>9} |", "variant", "sampled", "unsampled");
    println!("| {:-<63} | {:->9} | {:->9} |", "", ":", ":");
    let rows = costs.iter().filter(|cost| cost.case.sampling == Sampling::Sampled);
    for Cost { case, instructions } in rows {
        let [sampled, unsampled] = [Sampling::Sampled, Sampling::Unsampled]
            .map(|sampling| cell(costs, Case { sampling, ..*case }, *instructions));
        println!("| {:<63} | {sampled:>9} | {unsampled:>9} |", case.label());
    }
    println!();
}

fn cell(costs: &[Cost], case: Case, instructions: i64) -> String {
    let cost = if case == case.baseline() { Some(instructions) } else { over_bare(costs, case) };
    cost.map_or_else(String::new, thousands)
}

/// `12,345`
fn thousands(number: i64) -> String {
    match number {
        1000.. => format!("{},{:03}", thousands(number / 1000), number % 1000),
        _ => number.to_string(),
    }
}

fn check_limits(costs: &[Cost]) -> ExitCode {
    let mut code = ExitCode::SUCCESS;
    for (case, limit) in LIMITS {
        let cost = over_bare(costs, case);
        let holds = cost.is_some_and(|cost| cost <= limit);
        let cost = cost.map_or_else(|| "not measured".to_owned(), thousands);
        println!(
            "{} {case}: {cost}, limit {}",
            if holds { "ok  " } else { "OVER" },
            thousands(limit)
        );
        if !holds {
            code = ExitCode::FAILURE;
        }
    }
    code
}
