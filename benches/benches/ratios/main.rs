//! Costs of this workspace beside the fastest of other crates, in one table.
//!
//! ```text
//! cargo bench -p benches --features measure --bench ratios
//! cargo bench -p benches --features measure --bench ratios -- --save
//! ```
//!
//! Instructions are those of the bench `instructions`. Allocations and times are measured here,
//! each case in a separate process. A case and its baseline take turns, so that a disturbance
//! affects both. `--save` also writes the section of this bench in `RESULTS.md`.

mod cell;
mod clock;
mod figures;
mod table;
mod targets;
mod threads;

use std::{env, error::Error};

use benches::{cases, machine, results};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let mut arguments = env::args().skip_while(|argument| argument != cell::OPTION);
    if let Some(index) = arguments.nth(1) {
        let case = cases()[index.parse::<usize>()?];
        println!("{}", cell::measure(case)?);
        return Ok(());
    }
    let tables = table::tables(&figures::collect()?);
    println!("\n{tables}");
    if env::args().any(|argument| argument == "--save") {
        let heading = machine::heading(results::RATIOS, "ratios")?;
        results::save(results::RATIOS, &format!("{heading}\n{tables}"))?;
    }
    Ok(())
}
