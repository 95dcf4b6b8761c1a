//! Documentation of the JSON API, compared with its responses.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::telemetry::{TRACE, with_failed_request};

/// Names of the fields of each documented type.
fn documented(page: &str) -> BTreeMap<String, BTreeSet<String>> {
    let sections = page.split("<section id=\"").skip(1);
    sections
        .map(|section| {
            let (name, rest) = section.split_once('"').unwrap();
            let rest = rest.split("</section>").next().unwrap();
            let fields = rest.split("<dt><code>").skip(1);
            let fields = fields.map(|field| field.split('<').next().unwrap().to_owned());
            (name.to_owned(), fields.collect())
        })
        .collect()
}

fn fields(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

#[tokio::test]
async fn each_type_has_the_documented_fields() {
    let panel = with_failed_request().await;
    let types = documented(&panel.text("/api").await);
    let trace = panel.json(&format!("/api/traces/{TRACE}")).await;
    let overview = panel.json("/api/overview?window=all").await;
    let logs = panel.json("/api/logs").await;
    let errors = panel.json("/api/errors?window=all").await;
    let map = panel.json("/api/map?window=all").await;
    let health = panel.json("/api/health").await;
    let complete = panel.json("/api/complete?q=s").await;
    let traces = panel.json("/api/traces").await;
    for (name, value) in [
        ("OverviewBody", &overview),
        ("Operation", &overview["operations"][0]),
        ("TracesBody", &traces),
        ("FoundTrace", &traces["traces"][0]),
        ("TraceBody", &trace),
        ("SpanRow", &trace["rows"][0]),
        ("ServiceSpans", &trace["services"][0]),
        ("LogEntry", &trace["logs"][0]),
        ("LogsBody", &logs),
        ("ErrorsBody", &errors),
        ("ErrorsOf", &errors["groups"][0]),
        ("SpanAddress", &errors["groups"][0]["examples"][0]),
        ("MapBody", &map),
        ("MapNode", &map["nodes"][0]),
        ("RunningBody", &panel.json("/api/running").await),
        ("CompletionBody", &complete),
        ("CandidateEntry", &complete["candidates"][0]),
        ("HealthBody", &health),
        ("SignalHealth", &health["signals"][0]),
        ("MemoryPart", &health["memory"][0]),
    ] {
        assert_eq!(fields(value), types[name], "{name}");
    }
}

#[tokio::test]
async fn each_documented_address_exists() {
    let panel = with_failed_request().await;
    let page = panel.text("/api").await;
    let addresses: Vec<_> = page
        .split("<td><code>/")
        .skip(1)
        .map(|rest| rest.split('<').next().unwrap().replace("{id}", TRACE))
        .collect();
    assert_eq!(addresses.len(), 11, "{addresses:?}");
    for address in addresses {
        panel.json(&format!("/{address}")).await;
    }
}
