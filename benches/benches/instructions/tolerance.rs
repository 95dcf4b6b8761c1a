//! What a request may cost: what it cost when `instructions.txt` was written, and 3 % more. CI fails above.

use std::{fs, io, process::ExitCode};

use crate::report::{Cost, Result};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/instructions.txt");

/// In thousandths of what is recorded.
const TOLERANCE: i64 = 30;

/// What counts differ by from run to run, however small they are.
const NOISE: i64 = 3;

/// Case and instructions, as the file has them.
pub(crate) struct Recorded(Vec<(String, i64)>);

impl Recorded {
    pub(crate) fn write(costs: &[Cost]) -> io::Result<()> {
        let line = |cost: &Cost| format!("{:>7}  {}\n", cost.over, cost.case);
        fs::write(FILE, gated(costs).map(line).collect::<String>())
    }

    pub(crate) fn read() -> Result<Self> {
        let text = fs::read_to_string(FILE).map_err(|error| format!("{FILE}: {error}"))?;
        text.lines().map(parse).collect::<Result<_>>().map(Self)
    }

    /// Prints every case with its limit; fails where one is above, not in the file, or only there.
    pub(crate) fn check(&self, costs: &[Cost]) -> ExitCode {
        println!(
            "\nInstructions, over the bare service where there is one; recorded; difference.\n"
        );
        let above = gated(costs).filter(|cost| !self.holds(cost)).count();
        let gone = self.0.iter().filter(|(case, _)| is_gone(case, costs)).count();
        if above + gone == 0 {
            return ExitCode::SUCCESS;
        }
        println!(
            "\n{} differ from benches/instructions.txt by more than its 3 %: make them cheaper, or say why not and \
             write the file with `-- --record`.",
            above + gone
        );
        ExitCode::FAILURE
    }

    fn holds(&self, Cost { case, over, .. }: &Cost) -> bool {
        let name = case.to_string();
        let Some((_, recorded)) = self.0.iter().find(|(recorded, _)| *recorded == name) else {
            println!("NEW   {over:>7}                    {name}");
            return false;
        };
        let holds = *over <= recorded + (recorded * TOLERANCE / 1000).max(NOISE);
        let word = if holds { "ok" } else { "ABOVE" };
        let difference = (over - recorded) as f64 * 100.0 / (*recorded).max(1) as f64;
        println!("{word:<5} {over:>7} {recorded:>7} {difference:>+7.2} %  {name}");
        holds
    }
}

fn is_gone(recorded: &str, costs: &[Cost]) -> bool {
    let is_gone = !gated(costs).any(|cost| cost.case.to_string() == recorded);
    if is_gone {
        println!("GONE                            {recorded}");
    }
    is_gone
}

/// What a bare service costs is not ours to judge.
fn gated(costs: &[Cost]) -> impl Iterator<Item = &Cost> {
    costs.iter().filter(|cost| !cost.is_bare())
}

fn parse(line: &str) -> Result<(String, i64)> {
    let (instructions, case) = line
        .trim_start()
        .split_once("  ")
        .ok_or_else(|| format!("{FILE}: {line:?}: expected instructions, two spaces, case"))?;
    Ok((case.to_owned(), instructions.parse()?))
}
