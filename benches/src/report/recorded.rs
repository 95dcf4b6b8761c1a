use std::{error::Error, fs, io, process::ExitCode};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Tolerance in thousandths of the recorded cost.
const TOLERANCE: i64 = 30;

/// Tolerance in instructions for small costs, because counts differ from run to run.
const NOISE: i64 = 3;

/// Recorded costs of requests: case and instructions. CI fails if a request requires over 3 % more.
#[derive(Debug)]
pub struct Recorded {
    file: &'static str,
    costs: Vec<(String, i64)>,
}

impl Recorded {
    /// Writes the file.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn write(file: &str, costs: &[(String, i64)]) -> io::Result<()> {
        let lines = costs.iter().map(|(case, cost)| format!("{cost:>7}  {case}\n"));
        fs::write(file, lines.collect::<String>())
    }

    /// Reads the file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or a line does not have the format of [`write`](Self::write).
    pub fn read(file: &'static str) -> Result<Self> {
        let text = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
        let parsed = |line| parse(line).ok_or_else(|| format!("{file}: {line:?}").into());
        Ok(Self { file, costs: text.lines().map(parsed).collect::<Result<_>>()? })
    }

    /// Prints every case with its limit. Fails if a case is above its limit, or is not in both
    /// lists.
    pub fn check(&self, costs: &[(String, i64)]) -> ExitCode {
        self.check_with_noise(costs, |_| NOISE)
    }

    /// As [`check`](Self::check), with the instructions by which the count of a case varies between
    /// machines.
    pub fn check_with_noise(&self, costs: &[(String, i64)], noise: fn(&str) -> i64) -> ExitCode {
        println!(
            "\nInstructions, over the bare service where there is one; recorded; difference.\n"
        );
        let above = costs.iter().filter(|cost| !self.holds(cost, noise(&cost.0))).count();
        let gone = self.costs.iter().filter(|(case, _)| is_gone(case, costs)).count();
        if above + gone == 0 {
            return ExitCode::SUCCESS;
        }
        println!(
            "\n{} differ from {} by more than its 3 %: reduce the costs, or explain them in the commit message and write the file with \
             `-- --record`.",
            above + gone,
            self.file,
        );
        ExitCode::FAILURE
    }

    fn holds(&self, (case, cost): &(String, i64), noise: i64) -> bool {
        let Some((_, recorded)) = self.costs.iter().find(|(recorded, _)| recorded == case) else {
            println!("NEW   {cost:>7}                    {case}");
            return false;
        };
        let holds = *cost <= recorded + (recorded * TOLERANCE / 1000).max(noise);
        let word = if holds { "ok" } else { "ABOVE" };
        let difference = (cost - recorded) as f64 * 100.0 / (*recorded).max(1) as f64;
        println!("{word:<5} {cost:>7} {recorded:>7} {difference:>+7.2} %  {case}");
        holds
    }
}

fn is_gone(recorded: &str, costs: &[(String, i64)]) -> bool {
    let is_gone = !costs.iter().any(|(case, _)| case == recorded);
    if is_gone {
        println!("GONE                            {recorded}");
    }
    is_gone
}

/// Parses a line: instructions, two spaces, case.
fn parse(line: &str) -> Option<(String, i64)> {
    let (instructions, case) = line.trim_start().split_once("  ")?;
    Some((case.to_owned(), instructions.parse().ok()?))
}
