//! What ours costs beside the fastest of the others, in one table.
//!
//! ```text
//! cargo bench -p benches --features measure --bench ratios
//! cargo bench -p benches --features measure --bench ratios -- --save
//! ```
//!
//! Instructions are those of the bench `instructions`; allocations and times are measured here, each case in a process of
//! its own. There a case and its baseline take turns, so that what disturbs one disturbs the other. `--save` writes
//! `RESULTS.md` as well.

mod cell;
mod figures;
mod table;
mod targets;
mod threads;

use std::{env, error::Error, fs};

use benches::{cases, machine};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const RESULTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/RESULTS.md");

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
        fs::write(RESULTS, format!("{}\n{tables}", machine::heading("What it costs", "ratios")?))?;
    }
    Ok(())
}
