//! `sampler` of `tracer_provider`.

use opentelemetry::trace::SpanKind;

use super::document::item::{Item, Section};
use crate::{
    base::error::TelemetryError,
    config::env::words::Words,
    trace::{ComposableSampler, ParentBased, Sampler, SamplingRules, SpanMatch, SpanParent},
};

const SAMPLERS: &str = "always_on, always_off, composite/development, parent_based, \
                        probability/development or trace_id_ratio_based";

const COMPOSABLE: &str = "always_on, always_off, parent_threshold, probability or rule_based";

const PARENTS: Words<SpanParent> = Words {
    known: &[
        ("none", SpanParent::None),
        ("remote", SpanParent::Remote),
        ("local", SpanParent::Local),
    ],
    unsupported: &[],
};

/// Reads a sampler.
///
/// # Errors
///
/// If the sampler is unknown or not supported, because any other would record other spans.
pub(super) fn read(item: &Item<'_>) -> Result<Sampler, TelemetryError> {
    let (name, options) = item.variant()?;
    if name == "composite/development" {
        return composable(&options).map(Sampler::composite);
    }
    let section = options.section()?;
    let sampler = match name {
        "always_on" => Sampler::always_on(),
        "always_off" => Sampler::always_off(),
        "trace_id_ratio_based" => Sampler::trace_id_ratio(ratio(&section)?),
        "probability/development" => Sampler::probability(ratio(&section)?)
            .map_err(|error| options.refused(&error.to_string()))?,
        "parent_based" => parent_based(&section)?,
        "jaeger_remote/development" => {
            return Err(options.refused(&format!("this is not supported: expected {SAMPLERS}")));
        }
        _ => return Err(options.refused(&format!("unknown sampler: expected {SAMPLERS}"))),
    };
    section.finish()?;
    Ok(sampler)
}

fn ratio(section: &Section<'_>) -> Result<f64, TelemetryError> {
    section.read_or("ratio", 1.0, Item::ratio)
}

fn parent_based(section: &Section<'_>) -> Result<Sampler, TelemetryError> {
    let root = section.read_or("root", Sampler::always_on(), read)?;
    let mut sampler = ParentBased::new(root);
    if let Some(item) = unless_default(section, "remote_parent_sampled", "always_on")? {
        sampler = sampler.remote_parent_sampled(read(&item)?);
    }
    if let Some(item) = unless_default(section, "remote_parent_not_sampled", "always_off")? {
        sampler = sampler.remote_parent_not_sampled(read(&item)?);
    }
    if let Some(item) = unless_default(section, "local_parent_sampled", "always_on")? {
        sampler = sampler.local_parent_sampled(read(&item)?);
    }
    if let Some(item) = unless_default(section, "local_parent_not_sampled", "always_off")? {
        sampler = sampler.local_parent_not_sampled(read(&item)?);
    }
    Ok(sampler.into())
}

/// Returns the sampler of this key, unless it decides as the parent did: that costs less if it is
/// known.
fn unless_default<'a>(
    section: &Section<'a>,
    key: &'static str,
    default: &str,
) -> Result<Option<Item<'a>>, TelemetryError> {
    let Some(item) = section.get(key) else { return Ok(None) };
    match item.variant()?.0 == default {
        true => read(&item).map(|_| None),
        false => Ok(Some(item)),
    }
}

/// Reads a sampler inside of `composite/development`.
fn composable(item: &Item<'_>) -> Result<ComposableSampler, TelemetryError> {
    let (name, options) = item.variant()?;
    let section = options.section()?;
    let sampler = match name {
        "always_on" => ComposableSampler::always_on(),
        "always_off" => ComposableSampler::always_off(),
        "probability" => ComposableSampler::probability(ratio(&section)?)
            .map_err(|error| options.refused(&error.to_string()))?,
        "parent_threshold" => {
            ComposableSampler::parent_threshold(composable(&section.require("root")?)?)
        }
        "rule_based" => rule_based(&options, &section)?,
        _ => return Err(options.refused(&format!("unknown sampler: expected {COMPOSABLE}"))),
    };
    section.finish()?;
    Ok(sampler)
}

/// Reads rules. Spans that match none are dropped.
fn rule_based(item: &Item<'_>, section: &Section<'_>) -> Result<ComposableSampler, TelemetryError> {
    let mut rules = SamplingRules::new();
    let mut catch_all: Option<usize> = None;
    let items = section.get("rules").map_or(Ok(Vec::new()), |list| list.items())?;
    if items.is_empty() {
        return Err(item.refused("there are no rules, so every span would be dropped"));
    }
    for (index, rule) in items.iter().enumerate() {
        if let Some(earlier) = catch_all {
            let problem =
                format!("rule {index} is never used, because rule {earlier} matches every span");
            rule.ignore(rule.refused(&problem))?;
            continue;
        }
        let section = rule.section()?;
        let sampler = composable(&section.require("sampler")?)?;
        let conditions = conditions(&section)?;
        section.finish()?;
        catch_all = conditions.is_unconditional().then_some(index);
        rules = rules.rule(conditions, sampler);
    }
    rules.build().map_err(|error| item.refused(&error.to_string()))
}

/// Reads the conditions of a rule.
///
/// # Errors
///
/// If a list is empty or all values are excluded, because no span would match.
fn conditions(section: &Section<'_>) -> Result<SpanMatch, TelemetryError> {
    let mut conditions = SpanMatch::new();
    for item in section.get("span_kinds").map_or(Ok(Vec::new()), |list| some_items(&list))? {
        conditions = conditions.kind(kind(&item)?);
    }
    for item in section.get("parent").map_or(Ok(Vec::new()), |list| some_items(&list))? {
        conditions = conditions.parent(item.word(&PARENTS)?);
    }
    if let Some(item) = section.get("attribute_values") {
        let section = item.section()?;
        let key = section.require("key")?.text()?;
        let values = some_texts(&section.require("values")?)?;
        section.finish()?;
        conditions = conditions.attribute_values(&key, values.iter().map(String::as_str));
    }
    if let Some(item) = section.get("attribute_patterns") {
        let section = item.section()?;
        let key = section.require("key")?.text()?;
        let included = section.read_or("included", Vec::new(), some_texts)?;
        let excluded = section.read_or("excluded", Vec::new(), some_texts)?;
        section.finish()?;
        if excluded.iter().any(|pattern| pattern == "*") {
            return Err(item.refused("all values are excluded, so no span matches"));
        }
        let [included, excluded] = [&included, &excluded].map(|it| it.iter().map(String::as_str));
        conditions = conditions.attribute_patterns(&key, included, excluded);
    }
    Ok(conditions)
}

fn kind(item: &Item<'_>) -> Result<SpanKind, TelemetryError> {
    Ok(match item.text()?.as_str() {
        "internal" => SpanKind::Internal,
        "server" => SpanKind::Server,
        "client" => SpanKind::Client,
        "producer" => SpanKind::Producer,
        "consumer" => SpanKind::Consumer,
        _ => return Err(item.expected("internal, server, client, producer or consumer")),
    })
}

fn some_items<'a>(list: &Item<'a>) -> Result<Vec<Item<'a>>, TelemetryError> {
    match list.items()? {
        items if items.is_empty() => Err(list.refused("the list is empty, so no span matches")),
        items => Ok(items),
    }
}

fn some_texts(list: &Item<'_>) -> Result<Vec<String>, TelemetryError> {
    some_items(list)?.iter().map(Item::text).collect()
}
