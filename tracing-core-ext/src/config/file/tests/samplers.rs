use super::*;

fn sampler(sampler: &str) -> String {
    format!(
        "tracer_provider:\n  processors: [ {{ simple: {{ exporter: {{ console: }} }} }} ]\n  \
         sampler: {sampler}\n"
    )
}

#[test]
fn every_sampler_of_the_schema_but_a_remote_one_is_supported() {
    for (text, expected) in [
        ("{ always_on: }", "{\"always_on\":{}}"),
        ("{ always_off: {} }", "{\"always_off\":{}}"),
        (
            "{ probability/development: { ratio: 0.5 } }",
            "{\"probability/development\":{\"ratio\":0.5}}",
        ),
        (
            "{ parent_based: { remote_parent_sampled: { always_off: }, local_parent_sampled: { \
             always_on: } } }",
            "{\"parent_based\":{\"root\":{\"always_on\":{}},\"remote_parent_sampled\":{\"always_off\":{}}}}",
        ),
        (
            "{ composite/development: { parent_threshold: { root: { probability: { ratio: 0.25 } } } } }",
            "{\"composite/development\":{\"parent_threshold\":{\"root\":{\"probability\":{\"ratio\":0.25}}}}}",
        ),
    ] {
        let config = read(&sampler(text));
        assert_eq!(config.sampler.to_string(), expected, "{text}");
        assert_eq!(warnings(&config), [""; 0]);
    }
}

#[test]
fn rules_select_samplers_by_the_conditions_of_the_schema() {
    let config = read(
        r"
tracer_provider:
  processors: [ { simple: { exporter: { console: } } } ]
  sampler:
    composite/development:
      rule_based:
        rules:
          - span_kinds: [ client, server ]
            parent: [ none, remote ]
            attribute_values: { key: url.path, values: [ /health ] }
            sampler: { always_off: }
          - attribute_patterns: { key: http.route, included: [ /a/* ], excluded: [ /a/b ] }
            sampler: { probability: { ratio: 0.5 } }
          - sampler: { always_on: }
",
    );
    assert_eq!(warnings(&config), [""; 0]);
    let shown = config.sampler.to_string();
    for part in ["/health", "always_off", "client", "server", "remote", "/a/*", "/a/b", "0.5"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
}

fn rules(rules: &str) -> String {
    sampler(&format!("{{ composite/development: {{ rule_based: {{ rules: [ {rules} ] }} }} }}"))
}

#[test]
fn a_rule_that_matches_nothing_is_reported_with_line_and_path() {
    const PATH: &str = "tracer_provider.sampler.composite/development.rule_based.rules[0]";
    for (rule, path) in [
        (
            "{ span_kinds: [], sampler: { always_on: } }",
            ".span_kinds: the list is empty, so no span matches",
        ),
        (
            "{ parent: [], sampler: { always_on: } }",
            ".parent: the list is empty, so no span matches",
        ),
        (
            "{ attribute_values: { key: a, values: [] }, sampler: { always_on: } }",
            ".attribute_values.values: the list is empty, so no span matches",
        ),
        (
            "{ attribute_patterns: { key: a, excluded: ['*'] }, sampler: { always_on: } }",
            ".attribute_patterns: all values are excluded, so no span matches",
        ),
        (
            "{ span_kinds: [ srver ], sampler: { always_on: } }",
            ".span_kinds[0]=\"srver\": expected internal, server, client, producer or consumer",
        ),
        ("{ span_kinds: [ server ] }", ": the key sampler is missing"),
        (
            "{ sampler: { always_onn: } }",
            ".sampler.always_onn: unknown sampler: expected always_on, always_off, parent_threshold, probability or rule_based",
        ),
    ] {
        let error = error(&rules(rule));
        assert!(error.starts_with("otel.yaml:4:"), "{error}");
        assert!(error.ends_with(&format!("{PATH}{path}")), "{error}");
    }
}

#[test]
fn rules_that_decide_nothing_are_reported() {
    let empty = error(&rules(""));
    assert!(
        empty.ends_with("rule_based: there are no rules, so every span would be dropped"),
        "{empty}"
    );

    let hidden =
        "{ sampler: { always_on: } }, { span_kinds: [ server ], sampler: { always_off: } }";
    let config = read(&rules(hidden));
    let found = warnings(&config);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].ends_with(
            "rules[1]: rule 1 is never used, because rule 0 matches every span; it is ignored"
        ),
        "{found:?}"
    );
}
