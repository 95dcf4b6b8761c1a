//! Table of the costs of samplers, for `RESULTS.md`.

use std::fmt::Write;

use benches::results::SAMPLERS;

const PREFIX: &str = "parts: exchange, ";
const COLUMNS: [&str; 4] =
    ["sampled", "sampled + tracestate", "unsampled", "unsampled + tracestate"];

/// Returns the section with a row for each sampler, in the order of the cases.
pub(super) fn section(costs: &[(String, i64)]) -> String {
    let mut samplers: Vec<&str> = Vec::new();
    for (case, _) in costs {
        let sampler = split(case).map(|(sampler, _)| sampler);
        samplers.extend(sampler.filter(|sampler| !samplers.contains(sampler)));
    }
    let mut section = format!(
        "# {SAMPLERS}\n\nWritten by `cargo bench -p benches --features measure --bench instructions -- --record`.\n\n\
         Instructions of the exchange of a request, without a framework and without export.\n\n\
         | sampler | {} |\n| --- | ---: | ---: | ---: | ---: |\n",
        COLUMNS.join(" | ")
    );
    for sampler in samplers {
        let name = if sampler.is_empty() { "always on / always off" } else { sampler };
        let cells = COLUMNS.map(|column| cell(costs, sampler, column));
        // A String cannot fail to be written.
        let _ = writeln!(section, "| {name} | {} |", cells.join(" | "));
    }
    section
}

/// Splits the name of a case into the sampler, which is empty for the default, and the column.
fn split(case: &str) -> Option<(&str, &str)> {
    let case = case.strip_prefix(PREFIX)?;
    let (sampler, column) = case.rsplit_once(", ").unwrap_or(("", case));
    COLUMNS.contains(&column).then_some((sampler, column))
}

fn cell(costs: &[(String, i64)], sampler: &str, column: &str) -> String {
    let cost = costs.iter().find(|(case, _)| split(case) == Some((sampler, column)));
    cost.map_or("–".to_owned(), |(_, cost)| cost.to_string())
}
