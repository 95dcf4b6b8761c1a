//! `RESULTS.md`, with one section for each bench that writes to it.

use std::{fs, io};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/RESULTS.md");

/// Title of the section of the bench `installed`.
pub const INSTALLED: &str = "What it costs, installed";

/// Title of the section of the bench `ratios`.
pub const RATIOS: &str = "What it costs";

/// Title of the section about samplers of the bench `instructions`.
pub const SAMPLERS: &str = "What a sampler costs";

/// Titles of the sections, in their order.
const TITLES: [&str; 3] = [INSTALLED, RATIOS, SAMPLERS];

/// Replaces the section with this title, which is its first line.
///
/// # Errors
///
/// If the file cannot be written.
pub fn save(title: &str, section: &str) -> io::Result<()> {
    let text = format!("\n{}", fs::read_to_string(FILE).unwrap_or_default());
    let existing = |title: &str| {
        let mut sections = text.split("\n# ").skip(1);
        let section = sections.find(|section| section.lines().next() == Some(title))?;
        Some(format!("# {}\n", section.trim_end()))
    };
    let sections = TITLES.into_iter().filter_map(|other| match other == title {
        true => Some(section.to_owned()),
        false => existing(other),
    });
    fs::write(FILE, sections.collect::<Vec<_>>().join("\n"))
}
