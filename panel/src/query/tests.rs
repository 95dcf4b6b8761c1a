use std::sync::Arc;

use super::*;
use crate::{
    model::{Severity, Value},
    testing::{log_record, span},
};

fn checkout() -> Span {
    let mut span = span("gateway", "GET /checkout/{item}");
    span.attributes = [
        (Arc::from("http.route"), Value::Text(Arc::from("/checkout/{item}"))),
        (Arc::from("http.request.method"), Value::Text(Arc::from("GET"))),
        (Arc::from("http.response.status_code"), Value::Int(503)),
        (Arc::from("shop.item"), Value::Text(Arc::from("green tea"))),
    ]
    .into_iter()
    .collect();
    span.message = "Out of stock".into();
    span.end = span.start + 250_000_000;
    span
}

fn matches(query: &str, span: &Span) -> bool {
    let query = Query::parse(query).unwrap();
    let matches = query.matches_span(span);
    let mut signature = Signature::default();
    signature.add(span);
    assert!(!matches || query.may_match(&signature), "the signature hides a match");
    matches
}

#[test]
fn every_filter_must_hold() {
    let span = checkout();
    for query in [
        "",
        "service:gateway",
        "service=gate* route:/checkout/{item} status>=500 dur>200ms",
        "operation:\"GET /checkout/{item}\"",
        "shop.item=\"green tea\" \"out of STOCK\"",
        "shop.item~TEA -shop.item:coffee kind:internal",
        "status!=200 dur<=250ms dur<1s error:false",
        "-service:pricing stock",
    ] {
        assert!(matches(query, &span), "{query}");
    }
    for query in [
        "service:gate",
        "service:gateway status>503",
        "dur>250ms",
        "-stock",
        "shop.item!=\"green tea\"",
        "absent:*",
        "severity>=info",
    ] {
        assert!(!matches(query, &span), "{query}");
    }
}

#[test]
fn an_absent_attribute_is_unequal_to_everything() {
    assert!(matches("absent!=1", &checkout()));
    assert!(!matches("absent<1", &checkout()));
}

#[test]
fn records_have_a_severity_and_a_body() {
    let mut record = log_record("pricing", "No price for honey");
    record.severity = Severity::from_number(14);
    let matches = |query: &str| Query::parse(query).unwrap().matches_log(&record);
    assert!(matches("service:pricing severity:warn severity>=info severity<error honey"));
    assert!(!matches("severity>warn") && !matches("severity!=warn") && !matches("dur>1ms"));
}

#[test]
fn a_signature_excludes_most_of_what_is_absent() {
    let mut signature = Signature::default();
    signature.add(&checkout());
    let excluded = |query: &str| !Query::parse(query).unwrap().may_match(&signature);
    let values = (0..100).filter(|number| excluded(&format!("shop.order={number}"))).count();
    assert!(values > 85, "{values}");
    assert!(excluded("\"connection refused\""));
    assert!(excluded("dur>250ms") && excluded("status>503") && excluded("error:true"));
    assert!(!excluded("-error:true") && !excluded("dur<1ms") && !excluded("status<100"));
    assert!(!excluded("-\"connection refused\""));
}

#[test]
fn an_error_has_a_position() {
    for (query, error) in [
        ("service:", "column 9: expected a value"),
        ("service: gateway", "column 9: expected a value"),
        ("\"open", "column 1: the quotation mark has no closing one"),
        ("tea =5", "column 5: expected the name of a field before the operator"),
        ("! x", "column 1: expected text or a filter"),
        ("dur>fast", "column 5: expected a duration such as 200ms or 1.5s"),
        ("ü status>many", "column 10: expected a number"),
        ("kind:any", "column 6: expected internal, server, client, producer or consumer"),
        ("trace:12", "column 7: expected 32 hexadecimal digits"),
        ("error:maybe", "column 7: expected error:true or error:false"),
        ("severity>=loud", "column 11: expected trace, debug, info, warn, error or fatal"),
    ] {
        assert_eq!(Query::parse(query).unwrap_err().to_string(), error, "{query}");
    }
}

#[test]
fn a_quoted_value_is_read_as_it_was() {
    for value in ["", "green tea", "a\"b", "back\\slash", "a*b", "GET /x", "plain"] {
        let query = Query::parse(&format!("shop.item={}", quote(value))).unwrap();
        let mut span = checkout();
        span.attributes =
            [(Arc::from("shop.item"), Value::Text(Arc::from(value)))].into_iter().collect();
        assert!(query.matches_span(&span), "{value}");
    }
}

#[test]
fn requirements_of_a_query_are_known_to_other_backends() {
    let query = Query::parse("service:gateway dur>=5ms dur>2ms -service:x error:true a=*").unwrap();
    assert_eq!(query.required("service"), Some("gateway"));
    assert_eq!(query.required("error"), Some("true"));
    assert_eq!(query.required("a"), None, "a pattern");
    assert_eq!(query.shortest(), Some(5_000_000));
    let query = Query::parse("-service:gateway dur<5ms -dur>1s").unwrap();
    assert_eq!((query.required("service"), query.shortest()), (None, None));
}
