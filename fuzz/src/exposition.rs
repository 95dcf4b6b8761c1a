//! Strict parsers of OpenMetrics 1.0 and of the Prometheus text format 0.0.4.

mod line;
mod rules;

use std::collections::BTreeMap;

use self::line::{Line, Sample};

/// Format of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    OpenMetrics,
    Text,
}

/// A family with its samples in the order of the page.
#[derive(Debug, Default)]
struct Family {
    name: String,
    kind: Option<String>,
    unit: Option<String>,
    has_help: bool,
    samples: Vec<Sample>,
}

/// Returns the first rule that a page breaks.
///
/// # Errors
///
/// A description with the line or the family.
pub fn check(page: &str, format: Format) -> Result<(), String> {
    let families = families(page, format)?;
    let mut names = BTreeMap::new();
    for family in &families {
        rules::check(family, format).map_err(|error| format!("{}: {error}", family.name))?;
        for name in rules::reserved_names(family, format) {
            if let Some(other) = names.insert(name.clone(), &family.name) {
                return Err(format!("{name} is of {other} and of {}", family.name));
            }
        }
    }
    Ok(())
}

/// Groups the lines: the metadata of a family precedes its samples, and families do not interleave.
fn families(page: &str, format: Format) -> Result<Vec<Family>, String> {
    let mut families: Vec<Family> = Vec::new();
    let body = match format {
        Format::OpenMetrics => page.strip_suffix("# EOF\n").ok_or("the end is missing")?,
        Format::Text => page,
    };
    if !body.is_empty() && !body.ends_with('\n') {
        return Err("the last line has no end".to_owned());
    }
    for line in body.split_terminator('\n') {
        let parsed = line::parse(line, format).map_err(|error| format!("{line:?}: {error}"))?;
        let name = parsed.family_of(families.last(), format).to_owned();
        if families.last().is_none_or(|last| last.name != name) {
            if families.iter().any(|family| family.name == name) {
                return Err(format!("{line:?}: the family {name} interleaves"));
            }
            families.push(Family { name, ..Family::default() });
        }
        let family = families.last_mut().ok_or("no family")?;
        let fits = match parsed {
            Line::Sample(sample) => {
                family.samples.push(sample);
                true
            }
            Line::Type(_, kind) => family.samples.is_empty() && family.kind.replace(kind).is_none(),
            Line::Unit(_, unit) => family.samples.is_empty() && family.unit.replace(unit).is_none(),
            Line::Help(_) => {
                family.samples.is_empty() && !std::mem::replace(&mut family.has_help, true)
            }
        };
        if !fits {
            return Err(format!("{line:?}: metadata twice, or behind samples"));
        }
    }
    Ok(families)
}

impl Line {
    /// Returns the family that a line belongs to. A sample belongs to the family before it, if its
    /// name is that of the family with a suffix of the family's type.
    fn family_of<'a>(&'a self, last: Option<&'a Family>, format: Format) -> &'a str {
        match self {
            Self::Type(name, _) | Self::Unit(name, _) | Self::Help(name) => name,
            Self::Sample(sample) => match last {
                Some(last) if rules::suffix(last, &sample.name, format).is_some() => &last.name,
                _ => &sample.name,
            },
        }
    }
}
