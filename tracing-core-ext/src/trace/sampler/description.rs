//! Text of samplers: JSON in the form of the OpenTelemetry configuration schema, and short names.

use std::fmt;

use opentelemetry::trace::SpanKind;

use super::{
    composable::{Composable, ComposableSampler},
    input::AttributeKey,
    parent_based::ParentBased,
    ratio::{self, TraceIdRatio},
    rules::{
        SamplingRules,
        pattern::Pattern,
        span_match::{AttributeMatch, SpanMatch, SpanParent},
    },
    sampler::{Kind, RateLimit, Retain, Root, Sampler, Tree},
};
use crate::{
    propagation::w3c::ot_member::Threshold,
    semconv::EarlyKey,
    trace::retention::policy::{HoldLimits, Retention},
};

/// Writes the sampler as JSON, such as `{"parent_based":{"root":{"always_on":{}}}}`.
///
/// The keys are those of the OpenTelemetry configuration schema. Samplers that the schema does not have are `rules`,
/// `rate_limit` and `retention`, whose times are in milliseconds; a sampler of another type is `custom` with
/// its `Debug` output.
impl fmt::Display for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Root(root) => root.fmt(f),
            Kind::ParentBased(root) => write!(f, r#"{{"parent_based":{{"root":{root}}}}}"#),
            Kind::Tree(tree) => tree.fmt(f),
        }
    }
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TraceIdRatio(TraceIdRatio::ALL) => f.write_str(r#"{"always_on":{}}"#),
            Self::TraceIdRatio(TraceIdRatio::NONE) => f.write_str(r#"{"always_off":{}}"#),
            Self::TraceIdRatio(ratio) => {
                write!(f, r#"{{"trace_id_ratio_based":{{"ratio":{}}}}}"#, ratio.ratio())
            }
            Self::Custom(sampler) => {
                write!(f, r#"{{"custom":{}}}"#, Json(&format!("{sampler:?}")))
            }
        }
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Probability(threshold) => {
                let ratio = ratio::ratio(*threshold);
                write!(f, r#"{{"probability/development":{{"ratio":{ratio}}}}}"#)
            }
            Self::ParentBased(parent_based) => parent_based.fmt(f),
            Self::Composite(sampler) => write!(f, r#"{{"composite/development":{sampler}}}"#),
            Self::Rules(rules) => {
                f.write_str(r#"{"rules":{"#)?;
                write_rules(rules, true, f)?;
                if let Some(fallback) = rules.fallback_sampler() {
                    write!(f, r#","fallback":{fallback}"#)?;
                }
                f.write_str("}}")
            }
            Self::RateLimit(limit) => limit.fmt(f),
            Self::Retain(retain) => retain.fmt(f),
        }
    }
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { per_second, sampler, .. } = self;
        write!(f, r#"{{"rate_limit":{{"traces_per_second":{per_second},"sampler":{sampler}}}}}"#)
    }
}

impl fmt::Display for Retain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { head, retention } = self;
        let Retention { keeps_failed, slow_matching, slow, matching, limits } = &**retention;
        write!(f, r#"{{"retention":{{"sampler":{head},"failed":{keeps_failed}"#)?;
        if let Some(slow) = slow {
            write!(f, r#","slower_than":{}"#, slow.as_millis())?;
        }
        if !slow_matching.is_empty() {
            f.write_str(r#","slower_than_for":["#)?;
            for (at, (conditions, threshold)) in slow_matching.iter().enumerate() {
                f.write_str(if at > 0 { ",{" } else { "{" })?;
                write_conditions(conditions, true, f)?;
                write!(f, r#""slower_than":{}}}"#, threshold.as_millis())?;
            }
            f.write_str("]")?;
        }
        if !matching.is_empty() {
            f.write_str(r#","matching":["#)?;
            for (at, conditions) in matching.iter().enumerate() {
                f.write_str(if at > 0 { ",{" } else { "{" })?;
                write_conditions(conditions, true, f)?;
                write!(f, r#""keep":true}}"#)?;
            }
            f.write_str("]")?;
        }
        let HoldLimits { bytes, age } = limits;
        write!(f, r#","max_bytes":{bytes},"max_age":{}}}}}"#, age.as_millis())
    }
}

impl fmt::Display for ParentBased<Sampler> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r#"{{"parent_based":{{"root":{}"#, self.root)?;
        for (key, sampler) in [
            ("remote_parent_sampled", &self.remote_parent_sampled),
            ("remote_parent_not_sampled", &self.remote_parent_not_sampled),
            ("local_parent_sampled", &self.local_parent_sampled),
            ("local_parent_not_sampled", &self.local_parent_not_sampled),
        ] {
            if let Some(sampler) = sampler {
                write!(f, r#","{key}":{sampler}"#)?;
            }
        }
        f.write_str("}}")
    }
}

/// Writes the sampler as JSON, in the form of the OpenTelemetry configuration schema.
impl fmt::Display for ComposableSampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Composable::AlwaysOff => f.write_str(r#"{"always_off":{}}"#),
            Composable::Probability(Threshold::ALL) => f.write_str(r#"{"always_on":{}}"#),
            Composable::Probability(threshold) => {
                write!(f, r#"{{"probability":{{"ratio":{}}}}}"#, ratio::ratio(*threshold))
            }
            Composable::ParentThreshold(root) => {
                write!(f, r#"{{"parent_threshold":{{"root":{root}}}}}"#)
            }
            Composable::Rules(rules) => {
                f.write_str(r#"{"rule_based":{"#)?;
                write_rules(rules, false, f)?;
                f.write_str("}}")
            }
        }
    }
}

fn write_rules<S: fmt::Display>(
    rules: &SamplingRules<S>,
    has_shorthand: bool,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    f.write_str(r#""rules":["#)?;
    for (at, rule) in rules.rules().iter().enumerate() {
        f.write_str(if at > 0 { ",{" } else { "{" })?;
        write_conditions(&rule.conditions, has_shorthand, f)?;
        write!(f, r#""sampler":{}}}"#, rule.sampler)?;
    }
    f.write_str("]")
}

/// Writes the conditions. `has_shorthand` is false for rules of the configuration schema, which has no `path`, `route`
/// and `method`.
fn write_conditions(
    conditions: &SpanMatch,
    has_shorthand: bool,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    if !conditions.kinds().is_empty() {
        let kinds = conditions.kinds().iter().map(|kind| match kind {
            SpanKind::Client => "client",
            SpanKind::Server => "server",
            SpanKind::Producer => "producer",
            SpanKind::Consumer => "consumer",
            SpanKind::Internal => "internal",
        });
        write!(f, r#""span_kinds":{},"#, List(kinds))?;
    }
    if !conditions.parents().is_empty() {
        let parents = conditions.parents().iter().map(|parent| match parent {
            SpanParent::None => "none",
            SpanParent::Remote => "remote",
            SpanParent::Local => "local",
        });
        write!(f, r#""parent":{},"#, List(parents))?;
    }
    let mut written = Vec::new();
    let mut others = Vec::new();
    for attribute in conditions.attributes() {
        let name = shorthand(attribute).filter(|_| has_shorthand);
        let name = name.unwrap_or(match attribute.is_list {
            true => "attribute_values",
            false => "attribute_patterns",
        });
        // A key of an object is written once.
        if written.contains(&name) {
            others.push(attribute);
            continue;
        }
        written.push(name);
        match name.strip_prefix("attribute_") {
            None => write!(f, r#""{name}":{},"#, Json(&attribute.included[0].to_string()))?,
            Some(_) => write!(f, r#""{name}":{attribute},"#)?,
        }
    }
    if let Some((first, rest)) = others.split_first() {
        write!(f, r#""attributes":[{first}"#)?;
        rest.iter().try_for_each(|attribute| write!(f, ",{attribute}"))?;
        f.write_str("],")?;
    }
    Ok(())
}

/// Returns the method of [`SpanMatch`] that made the condition, if it is one for a single attribute.
fn shorthand(attribute: &AttributeMatch) -> Option<&'static str> {
    let is_single = attribute.included.len() == 1 && attribute.excluded.is_empty();
    match attribute.key {
        _ if !is_single => None,
        AttributeKey::Early(EarlyKey::Path) if !attribute.is_list => Some("path"),
        AttributeKey::Early(EarlyKey::Route) if !attribute.is_list => Some("route"),
        AttributeKey::Early(EarlyKey::Method) if attribute.is_list => Some("method"),
        _ => None,
    }
}

impl fmt::Display for AttributeMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, included, excluded, is_list } = self;
        let texts =
            |patterns: &[Pattern]| patterns.iter().map(ToString::to_string).collect::<Vec<_>>();
        write!(f, r#"{{"key":{}"#, Json(key.as_str()))?;
        if !included.is_empty() {
            let name = if *is_list { "values" } else { "included" };
            write!(f, r#","{name}":{}"#, List(texts(included).into_iter()))?;
        }
        if !excluded.is_empty() {
            write!(f, r#","excluded":{}"#, List(texts(excluded).into_iter()))?;
        }
        f.write_str("}")
    }
}

/// Array of strings in JSON.
struct List<I>(I);

impl<T: AsRef<str>, I: Iterator<Item = T> + Clone> fmt::Display for List<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (at, text) in self.0.clone().enumerate() {
            f.write_str(if at > 0 { "," } else { "" })?;
            Json(text.as_ref()).fmt(f)?;
        }
        f.write_str("]")
    }
}

/// String in JSON: RFC 8259, section 7.
struct Json<'a>(&'a str);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for character in self.0.chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                control if u32::from(control) < 0x20 => write!(f, "\\u{:04x}", u32::from(control))?,
                other => write!(f, "{other}")?,
            }
        }
        f.write_str("\"")
    }
}

impl fmt::Debug for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Root(root) => root.fmt(f),
            Kind::ParentBased(root) => f.debug_tuple("ParentBased").field(root).finish(),
            Kind::Tree(tree) => tree.fmt(f),
        }
    }
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TraceIdRatio(TraceIdRatio::ALL) => f.write_str("AlwaysOn"),
            Self::TraceIdRatio(TraceIdRatio::NONE) => f.write_str("AlwaysOff"),
            Self::TraceIdRatio(ratio) => write!(f, "TraceIdRatioBased({:?})", ratio.ratio()),
            Self::Custom(sampler) => sampler.fmt(f),
        }
    }
}
