//! Results of gungraun as instructions per request.

use std::{
    env,
    error::Error,
    io::{self, BufRead, BufReader},
    process::{Command, Stdio},
};

use benches::{Case, Framework};
use serde_json::{Value, json};

use crate::counted::{LENGTHS, Selection};

/// Option that makes gungraun print one line for each run.
pub(crate) const AS_JSON: &str = "--output-format=json";

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Instructions per request of one case.
pub(crate) struct Cost {
    case: Case,
    /// Number of all instructions.
    instructions: i64,
    /// Instructions over the baseline, if there is one.
    over: i64,
}

impl Cost {
    /// Whether the case has no baseline.
    fn is_bare(&self) -> bool {
        self.case.subject.over.is_none() && self.case.subject.framework != Framework::Parts
    }
}

pub(crate) fn print_json(costs: &[Cost]) {
    for Cost { case, instructions, over } in costs {
        println!(
            "{}",
            json!({ "case": case.to_string(), "instructions": instructions, "over": over })
        );
    }
}

/// Returns the costs with limits. A bare service has none, because it contains no code of this
/// workspace.
pub(crate) fn limited(costs: &[Cost]) -> Vec<(String, i64)> {
    let limited = costs.iter().filter(|cost| !cost.is_bare());
    limited.map(|cost| (cost.case.to_string(), cost.over)).collect()
}

pub(crate) fn count(selection: Selection) -> Result<Vec<Cost>> {
    let requests = (LENGTHS[1] - LENGTHS[0]) as i64;
    let counts = runs(selection)?;
    let (pairs, _) = counts.as_chunks();
    let absolute: Vec<_> = selection
        .cases()
        .into_iter()
        .zip(pairs.iter().map(|[short, long]| (long - short) / requests))
        .collect();
    absolute.iter().map(|&(case, instructions)| cost(case, instructions, &absolute)).collect()
}

fn cost(case: Case, instructions: i64, absolute: &[(Case, i64)]) -> Result<Cost> {
    let Some(baseline) = case.baseline() else {
        return Ok(Cost { case, instructions, over: instructions });
    };
    let found = absolute.iter().find(|(other, _)| *other == baseline);
    let (_, subtracted) = found.ok_or_else(|| format!("{baseline} is not counted"))?;
    Ok(Cost { case, instructions, over: instructions - subtracted })
}

/// Returns the instructions of all runs, in their order.
fn runs(selection: Selection) -> Result<Vec<i64>> {
    let mut child = Command::new(env::current_exe()?)
        .args(["--bench", AS_JSON])
        .envs([selection.variable()])
        .stdout(Stdio::piped())
        .spawn()?;
    let lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
    let counts: Vec<_> =
        lines.zip(selection.runs()).map(|(line, run)| counted(line, run)).collect();
    let status = child.wait()?;
    if !status.success() || counts.len() != selection.runs().count() {
        return Err(format!("gungraun made {} runs and ended with {status}", counts.len()).into());
    }
    counts.into_iter().collect()
}

fn counted(line: io::Result<String>, (case, requests): (Case, usize)) -> Result<i64> {
    let summary: Value = serde_json::from_str(&line?)?;
    let values = &summary["profiles"][0]["data"]["total"]["metrics"]["Ir"]["values"];
    // If there is an earlier run, "both" contains the new value and the old one.
    let new = [&values["new"], &values["both"][0]].into_iter().find_map(Value::as_i64);
    let instructions = new.ok_or_else(|| format!("no count in {summary}"))?;
    eprintln!("{instructions:>12} instructions, {requests:>4} times: {case}");
    Ok(instructions)
}
