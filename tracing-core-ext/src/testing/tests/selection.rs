//! Selectors.

use tracing::info_span;

use super::failure;
use crate::testing::Traces;

/// Returns a test in which spans of equal names stand in several places.
fn traces() -> Traces {
    let traces = Traces::builder().deterministic().start();
    info_span!("root", otel.kind = "server", http.route = "/a b/{id}").in_scope(|| {
        let call =
            info_span!("call", otel.kind = "client", item.id = 7, otel.status_code = "error");
        call.in_scope(|| info_span!("inner", item.id = "7").in_scope(|| {}));
        info_span!("inner", ratio = 0.5, is_new = true).in_scope(|| {});
    });
    traces
}

#[test]
fn a_selector_selects_by_kind_name_attribute_status_and_place() {
    let traces = traces();
    let names = |selector: &str| -> Vec<String> {
        traces.select(selector).all().iter().map(|span| span.name.to_string()).collect()
    };
    for (selector, expected) in [
        ("*", &["inner", "inner", "call", "root"][..]),
        ("client", &["call"]),
        (r#""inner""#, &["inner", "inner"]),
        ("[item.id=7]", &["call"]),
        (r#"[item.id="7"]"#, &["inner"]),
        ("[item.id]", &["inner", "call"]),
        ("[ratio=0.5][is_new=true]", &["inner"]),
        ("[http.route=/a b/{id}]", &["root"]),
        (":error", &["call"]),
        ("internal:error", &[]),
        ("server > client", &["call"]),
        (r#"server>"inner""#, &["inner"]),
        (r#"server "inner""#, &["inner", "inner"]),
        (
            r#"server[http.route="/a b/{id}"] client[item.id=7]:error > "inner"[item.id]"#,
            &["inner"],
        ),
        ("client > server", &[]),
        ("server > server", &[]),
    ] {
        assert_eq!(names(selector), expected, "{selector}");
    }
    traces.select("internal").count(2);
    assert_eq!(traces.select("client").only().attribute("item.id"), Some(&7.into()));
}

#[test]
fn another_number_of_spans_fails_with_the_selected_lines_marked() {
    let traces = traces();
    let message = failure(|| drop(traces.select("internal").only()));
    assert!(message.starts_with("select(\"internal\"): expected 1 spans, found 2\n"), "{message}");
    let marked = message.lines().filter(|line| line.starts_with("> ")).count();
    assert_eq!(marked, 2, "{message}");
}

#[test]
fn a_selector_that_is_not_valid_fails_with_the_reason() {
    let traces = traces();
    for (selector, reason) in [
        ("", "expected a kind, a name in quotes, [key=value], :error or *"),
        ("server >", "expected a kind, a name in quotes, [key=value], :error or *"),
        (
            "inner",
            "\"inner\" is no kind: server, client, producer, consumer or internal; a name is in quotes",
        ),
        ("\"inner", "a text in quotes does not end"),
        ("[=7]", "expected a key after ["),
        ("[id=7", "expected ] after [id"),
        (":ok", "\":ok\" is no condition: :error"),
        ("server=", "'=' is not expected here"),
    ] {
        let message = failure(|| drop(traces.select(selector)));
        assert_eq!(message, format!("select({selector:?}): {reason}\n"));
    }
}
