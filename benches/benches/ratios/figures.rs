//! All results, by case.

use std::{collections::HashMap, env, process::Command};

use benches::{Case, Framework, Mode, Role, cases, machine::output};
use serde_json::Value;

use crate::{Result, cell};

/// Costs of one case over its baseline.
pub(crate) struct Figures {
    pub(crate) case: Case,
    pub(crate) instructions: i64,
    pub(crate) allocations: f64,
    /// Wall time as a multiple of the baseline.
    pub(crate) wall: Option<f64>,
    /// Throughput of two threads as a multiple of that of one thread.
    pub(crate) scaling: Option<f64>,
}

pub(crate) fn collect() -> Result<Vec<Figures>> {
    let instructions = instructions()?;
    let mut cells = Vec::new();
    for (index, case) in cases().into_iter().enumerate() {
        let cell = cell::measured(index)?;
        eprintln!("{cell} {case}");
        cells.push((case, cell));
    }
    cells.iter().map(|(case, cell)| figures(*case, cell, &cells, &instructions)).collect()
}

fn figures(
    case: Case,
    cell: &Value,
    cells: &[(Case, Value)],
    instructions: &HashMap<String, i64>,
) -> Result<Figures> {
    let instructions = instructions.get(&case.to_string());
    let allocations = |cell: &Value| cell["allocations"].as_f64().unwrap_or_default();
    let baseline = cells.iter().find(|(other, _)| Some(*other) == case.baseline());
    Ok(Figures {
        case,
        instructions: *instructions.ok_or_else(|| format!("{case} is not counted"))?,
        allocations: allocations(cell) - baseline.map_or(0.0, |(_, cell)| allocations(cell)),
        wall: cell["wall"].as_f64(),
        scaling: cell["scaling"].as_f64(),
    })
}

/// Returns the instructions over the baseline, as the bench `instructions` counts them.
fn instructions() -> Result<HashMap<String, i64>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let bench = ["bench", "-p", "benches", "--features", "measure", "--bench", "instructions"];
    let lines = output(Command::new(cargo).args(bench).args(["--", "--costs"]))?;
    lines.lines().map(parse).collect()
}

fn parse(line: &str) -> Result<(String, i64)> {
    let cost: Value = serde_json::from_str(line)?;
    let (case, over) = (cost["case"].as_str(), cost["over"].as_i64());
    case.map(ToOwned::to_owned).zip(over).ok_or_else(|| format!("no cost: {line}").into())
}

pub(crate) fn ours(figures: &[Figures], framework: Framework, mode: Mode) -> Option<&Figures> {
    of(figures, framework, mode, Role::Ours).next()
}

/// Returns the rival with the mode that requires the fewest instructions if everything is sampled.
/// A rival that does nothing without an SDK is not selected for that.
pub(crate) fn fastest_rival(
    figures: &[Figures],
    framework: Framework,
    mode: Mode,
) -> Option<&Figures> {
    let sampled = |rival: &&Figures| {
        of(figures, framework, Mode::Sampled, Role::Rival)
            .find(|other| other.case.subject == rival.case.subject)
            .map(|other| other.instructions)
    };
    of(figures, framework, mode, Role::Rival).min_by_key(sampled)
}

fn of(
    figures: &[Figures],
    framework: Framework,
    mode: Mode,
    role: Role,
) -> impl Iterator<Item = &Figures> {
    figures.iter().filter(move |Figures { case, .. }| {
        (case.subject.framework, case.subject.role, case.mode) == (framework, role, mode)
    })
}
