//! `OTEL_RUST_TRACES_SAMPLER_RULES`: rules that precede the sampler.
//!
//! The name follows the OpenTelemetry environment variable specification, "Language Specific Environment Variables".

use crate::{
    base::error::TelemetryError,
    config::env::Env,
    trace::{Sampler, SamplingRules, SpanMatch},
};

pub(crate) const RULES: &str = "OTEL_RUST_TRACES_SAMPLER_RULES";

const EXPECTED: &str =
    "rules such as /health=drop, GET /search/*=0.1 or route:/items/{id}=keep, separated by commas";

/// Rules of the environment, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct RulesConfig(Vec<(SpanMatch, Sampler)>);

impl RulesConfig {
    /// Returns a sampler that decides by the rules, and by `sampler` if none matches.
    pub(crate) fn before(self, sampler: Sampler) -> Result<Sampler, TelemetryError> {
        if self.0.is_empty() {
            return Ok(sampler);
        }
        let add =
            |rules: SamplingRules<Sampler>, (conditions, sampler)| rules.rule(conditions, sampler);
        self.0.into_iter().fold(SamplingRules::new(), add).fallback(sampler).build()
    }
}

impl Env {
    /// Reads the rules. An invalid rule is ignored with a warning, and the others apply.
    pub(in crate::config) fn sampling_rules(&self) -> Result<RulesConfig, TelemetryError> {
        let mut rules = Vec::new();
        let Some(list) = self.text(RULES)? else { return Ok(RulesConfig::default()) };
        for rule in list.split(',').map(str::trim).filter(|rule| !rule.is_empty()) {
            match parse(rule).ok_or_else(|| TelemetryError::setting(RULES, rule, EXPECTED)) {
                Ok(rule) => rules.push(rule),
                Err(error) => _ = self.findings.ignore::<()>(error)?,
            }
        }
        Ok(RulesConfig(rules))
    }
}

/// Parses `[METHOD ]PATTERN=ACTION`. The pattern is one of the path, or of the route after `route:`.
fn parse(rule: &str) -> Option<(SpanMatch, Sampler)> {
    let (conditions, action) = rule.rsplit_once('=')?;
    let conditions = conditions.trim();
    let (method, pattern) = match conditions.split_once(char::is_whitespace) {
        Some((method, pattern)) => (Some(method), pattern.trim_start()),
        None => (None, conditions),
    };
    let conditions = match pattern.strip_prefix("route:") {
        Some(route) => SpanMatch::new().route(route),
        None => SpanMatch::new().path(pattern),
    };
    let conditions = match method {
        Some(method) => conditions.method(method),
        None => conditions,
    };
    conditions.validate().ok()?;
    Some((conditions, sampler(action.trim())?))
}

fn sampler(action: &str) -> Option<Sampler> {
    match action {
        _ if action.eq_ignore_ascii_case("drop") => Some(Sampler::always_off()),
        _ if action.eq_ignore_ascii_case("keep") => Some(Sampler::always_on()),
        ratio => Sampler::probability(ratio.parse().ok()?).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::env::findings::Findings;

    fn variable(list: &'static str) -> Env {
        Env::from_fn(move |name| (name == RULES).then(|| list.to_owned()))
    }

    fn sampler(list: &'static str) -> String {
        let rules = variable(list).sampling_rules().unwrap();
        rules.before(Sampler::always_on()).unwrap().to_string()
    }

    #[test]
    fn without_rules_the_sampler_is_unchanged() {
        for list in ["", " , "] {
            assert_eq!(sampler(list), r#"{"always_on":{}}"#);
        }
    }

    #[test]
    fn rules_precede_the_sampler_in_order() {
        let rules = concat!(
            r#"{"path":"/health","sampler":{"always_off":{}}},"#,
            r#"{"path":"/search/*","method":"GET","sampler":{"probability/development":{"ratio":0.5}}},"#,
            r#"{"route":"/items/{id}","sampler":{"always_on":{}}},"#,
            r#"{"path":"/a=b","sampler":{"always_off":{}}}"#,
        );
        assert_eq!(
            sampler("/health=drop, GET  /search/* = 0.5,route:/items/{id}=Keep,/a=b=0"),
            format!(r#"{{"rules":{{"rules":[{rules}],"fallback":{{"always_on":{{}}}}}}}}"#)
        );
    }

    #[test]
    fn an_invalid_rule_is_ignored_with_a_warning_and_the_others_apply() {
        for rule in [
            "health=drop",
            "/health",
            "/health=",
            "/a=2",
            "/a=-1",
            "GET=drop",
            "A B /c=keep",
            "=drop",
            "route:a=keep",
        ] {
            let list: &'static str = format!("{rule},/b=keep").leak();
            let variables = variable(list);
            assert_eq!(variables.sampling_rules().unwrap().0.len(), 1, "{rule}");
            let found: Vec<_> = variables.findings.take().iter().map(ToString::to_string).collect();
            let error = format!("{RULES}={rule:?}: expected {EXPECTED}");
            assert_eq!(found, [format!("{error}; it is ignored")]);
            let strict = variable(list).with_findings(Findings::strict(true));
            assert_eq!(strict.sampling_rules().unwrap_err().to_string(), error);
        }
    }
}
