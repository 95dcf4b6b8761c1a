//! `propagator`.

use super::document::item::Item;
use crate::{
    base::error::TelemetryError,
    config::env::propagators::NAMES,
    propagation::{CompositePropagator, Propagator},
};

/// Reads the propagators. Without any, "a noop propagator is used".
pub(super) fn read(item: Option<&Item<'_>>) -> Result<Propagator, TelemetryError> {
    let mut names: Vec<String> = Vec::new();
    let mut add = |name: &str, error: &dyn Fn() -> TelemetryError, item: &Item<'_>| {
        if name == "none" || names.iter().any(|known| known == name) {
            return Ok(());
        }
        if NAMES.find(name).is_some() {
            names.push(name.to_owned());
            return Ok(());
        }
        match NAMES.unsupported.contains(&name) {
            true => item.ignore(error()),
            false => Err(error()),
        }
    };
    if let Some(item) = item {
        let section = item.section()?;
        if let Some(list) = section.get("composite") {
            for item in list.items()? {
                let (name, propagator) = item.variant()?;
                propagator.section()?.finish()?;
                add(name, &|| unknown(&item, name), &item)?;
            }
        }
        if let Some(list) = section.get("composite_list") {
            let text = list.text()?;
            let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
            let error = |name: &str| match list.has_variables() {
                true => list.expected(NAMES.expected(name)),
                false => unknown(&list, name),
            };
            names
                .map(str::to_ascii_lowercase)
                .try_for_each(|name| add(&name, &|| error(&name), &list))?;
        }
        section.finish()?;
    }
    let list = if names.is_empty() { "none".to_owned() } else { names.join(",") };
    let composite = list.parse::<CompositePropagator>();
    composite.map(Propagator::from).map_err(|error| match item {
        Some(item) => item.refused(&error.to_string()),
        None => TelemetryError::exporter(error),
    })
}

fn unknown(item: &Item<'_>, name: &str) -> TelemetryError {
    item.refused(&format!("{name:?}: expected {}", NAMES.expected(name)))
}
