//! `OTEL_PROPAGATORS`.

use super::{Env, words::Words};
use crate::{
    base::error::TelemetryError,
    propagation::{CompositePropagator, Propagator},
};

const VARIABLE: &str = "OTEL_PROPAGATORS";

pub(in crate::config) const NAMES: Words<()> = Words {
    known: &[("tracecontext", ()), ("baggage", ()), ("b3", ()), ("b3multi", ()), ("jaeger", ())],
    unsupported: &["ottrace", "xray"],
};

impl Env {
    /// Reads a list of propagators, in any case. Unknown ones, and `none` beside others, are
    /// ignored with a warning.
    pub(in crate::config) fn propagator(&self) -> Result<Option<Propagator>, TelemetryError> {
        let Some(list) = self.text(VARIABLE)? else { return Ok(None) };
        if let Ok(composite) = list.parse::<CompositePropagator>() {
            return Ok(Some(composite.into()));
        }
        let mut known = Vec::new();
        for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            match NAMES.parse(VARIABLE, name) {
                Ok(()) => known.push(name),
                Err(error) => self.findings.ignore(error).map(|_: Option<()>| ())?,
            }
        }
        let composite = known.join(",").parse::<CompositePropagator>();
        Ok(composite.ok().map(Propagator::from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(list: &'static str) -> (Option<String>, Vec<String>) {
        let variables = Env::from_fn(move |name| (name == VARIABLE).then(|| list.to_owned()));
        let propagator = variables.propagator().unwrap();
        let found = variables.findings.take();
        (
            propagator.map(|found| format!("{found:?}")),
            found.iter().map(ToString::to_string).collect(),
        )
    }

    #[test]
    fn an_unknown_name_is_ignored_with_a_warning_and_the_others_are_used() {
        let (expected, none) = read("b3,jaeger");
        assert_eq!(none, [""; 0]);
        for (list, name, hint) in [
            ("b3,xray,jaeger", "xray", "; xray is not supported"),
            ("b3,jaegr,jaeger", "jaegr", "; did you mean jaeger?"),
            ("none,b3,jaeger", "none", ""),
        ] {
            let known = "expected tracecontext, baggage, b3, b3multi or jaeger";
            let warning = format!("{VARIABLE}={name:?}: {known}{hint}; it is ignored");
            assert_eq!(read(list), (expected.clone(), vec![warning]), "{list}");
        }
    }

    #[test]
    fn a_list_without_a_known_name_is_ignored() {
        for list in ["xray", "b3 baggage", "w3c"] {
            let (propagator, warnings) = read(list);
            assert_eq!((propagator, warnings.len()), (None, 1), "{list}");
        }
        assert_eq!(read(" , "), (None, vec![]));
    }
}
