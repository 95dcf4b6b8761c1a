use std::borrow::Cow;

use opentelemetry::baggage::{Baggage, BaggageMetadata};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};

use super::baggage_order::{BaggageOrder, Member, ReceivedBaggage, in_order};
use crate::propagation::headers::{is_token, trim_ows};

/// W3C Baggage, "Limits": the number of members that every platform must propagate, and the maximum
/// that this one does.
const MAX_MEMBERS: usize = 64;
const MAX_BYTES: usize = 8192;

/// Characters that a value cannot contain, and the percent sign itself.
const REQUIRED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b',').add(b';').add(b'\\').add(b'%');

/// As [`REQUIRED`], and two characters that lax parsers treat as a separator (`=`) or a space (`+`).
const ENCODED: &AsciiSet = &REQUIRED.add(b'=').add(b'+');

/// Parses the lines of a `baggage` field as one list. Returns `None` if there is no valid member.
///
/// An invalid member or property is dropped alone. Members beyond the limits are dropped from the
/// end. Of several members with one key, the last one is used.
// W3C Baggage, "Definition":
//
//   baggage-string = list-member 0*179( OWS "," OWS list-member )
pub(crate) fn extract<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Option<ReceivedBaggage> {
    let (mut baggage, mut order) = (Baggage::new(), BaggageOrder::default());
    let mut room = MAX_BYTES + 1;
    for member in lines.flat_map(|line| line.split(|&byte| byte == b',')) {
        let Some(left) = room.checked_sub(member.len() + 1) else {
            break;
        };
        room = left;
        if let Some((key, value, metadata)) = read_member(member) {
            baggage.insert_with_metadata(key.to_owned(), value.into_owned(), metadata);
            order.push(key);
        }
    }
    (!baggage.is_empty()).then_some(ReceivedBaggage { baggage, order })
}

/// Returns the value of the `baggage` field to inject, or `None` if there are no members.
///
/// Received members keep their order, and other members follow. Members that would exceed the
/// limits are omitted.
pub(crate) fn header(baggage: &Baggage, order: Option<&BaggageOrder>) -> Option<String> {
    let mut members = in_order(baggage, order);
    members.truncate(MAX_MEMBERS);
    // What was received within the limits must be sent, so members that are too long by the additional encoding are
    // sent without it.
    let header = match joined(&members, ENCODED) {
        (header, true) => header,
        _ => joined(&members, REQUIRED).0,
    };
    (!header.is_empty()).then_some(header)
}

/// Returns the members as one list, and whether none is omitted because of its length.
fn joined(members: &[Member<'_>], encoded: &'static AsciiSet) -> (String, bool) {
    let (mut header, mut is_complete) = (String::new(), true);
    for (key, (value, metadata)) in members {
        let end = header.len();
        write_member(&mut header, key.as_str(), value.as_str(), metadata, encoded);
        if header.len() > MAX_BYTES {
            header.truncate(end);
            is_complete = false;
        }
    }
    (header, is_complete)
}

// W3C Baggage, "Definition":
//
//   list-member = key OWS "=" OWS value *( OWS ";" OWS property )
//   key         = token ; as defined in RFC 7230, section 3.2.6
//
// and "value": percent-encoded octets that are not UTF-8 are decoded as U+FFFD.
fn read_member(member: &[u8]) -> Option<(&str, Cow<'_, str>, BaggageMetadata)> {
    let mut parts = member.split(|&byte| byte == b';');
    let (key, value) = split_pair(parts.next()?);
    let value = value.filter(|value| is_value(value))?;
    let value = percent_decode(value).decode_utf8_lossy();
    Some((read_token(key)?, value, read_properties(parts)))
}

fn write_member(
    header: &mut String,
    key: &str,
    value: &str,
    metadata: &BaggageMetadata,
    encoded: &'static AsciiSet,
) {
    if !header.is_empty() {
        header.push(',');
    }
    header.push_str(key);
    header.push('=');
    header.extend(utf8_percent_encode(value, encoded));
    // A program can insert any metadata, so it is parsed like a received value.
    let properties = metadata.as_str().as_bytes().split(|&byte| byte == b';');
    let properties = read_properties(properties);
    if !properties.as_str().is_empty() {
        header.push(';');
        header.push_str(properties.as_str());
    }
}

/// Joins the valid properties without decoding them. A property is opaque, and decoding could turn
/// a part of it into a separator.
// W3C Baggage, "Definition":
//
//   property =  key OWS "=" OWS value
//   property =/ key OWS
fn read_properties<'a>(properties: impl Iterator<Item = &'a [u8]>) -> BaggageMetadata {
    let mut joined = String::new();
    for (key, value) in properties.filter_map(read_property) {
        if !joined.is_empty() {
            joined.push(';');
        }
        joined.push_str(key);
        if let Some(value) = value {
            joined.push('=');
            joined.push_str(value);
        }
    }
    joined.into()
}

fn read_property(property: &[u8]) -> Option<(&str, Option<&str>)> {
    match split_pair(property) {
        (key, None) => Some((read_token(key)?, None)),
        (key, Some(value)) if is_value(value) => {
            Some((read_token(key)?, Some(str::from_utf8(value).ok()?)))
        }
        _ => None,
    }
}

/// Splits at the first equals sign. A value may contain more equals signs.
fn split_pair(pair: &[u8]) -> (&[u8], Option<&[u8]>) {
    match pair.iter().position(|&byte| byte == b'=') {
        Some(at) => (trim_ows(&pair[..at]), Some(trim_ows(&pair[at + 1..]))),
        None => (trim_ows(pair), None),
    }
}

fn read_token(token: &[u8]) -> Option<&str> {
    str::from_utf8(token).ok().filter(|_| is_token(token))
}

// W3C Baggage, "Definition":
//
//   value         = *baggage-octet
//   baggage-octet = %x21 / %x23-2B / %x2D-3A / %x3C-5B / %x5D-7E
fn is_value(value: &[u8]) -> bool {
    value
        .iter()
        .all(|byte| matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use opentelemetry::KeyValue;
    use proptest::prelude::*;

    use super::*;

    type Entry = (String, String, String);

    fn extract<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Option<Baggage> {
        super::extract(lines).map(|received| received.baggage)
    }

    fn header(baggage: &Baggage) -> Option<String> {
        super::header(baggage, None)
    }

    fn read(lines: &[&str]) -> Vec<Entry> {
        let baggage = extract(lines.iter().map(|line| line.as_bytes()));
        entries(&baggage.unwrap_or_default())
    }

    /// Returns the key, value and metadata of every entry, sorted.
    fn entries(baggage: &Baggage) -> Vec<Entry> {
        let entries = baggage.iter().map(|(key, (value, metadata))| {
            (key.to_string(), value.to_string(), metadata.to_string())
        });
        let mut entries: Vec<_> = entries.collect();
        entries.sort();
        entries
    }

    prop_compose! {
        fn member()(
            key in "[!#$%&'*+.^_`|~a-zA-Z0-9-]{1,8}",
            value in "\\PC{0,20}",
            metadata in "[ -~]{0,12}",
        ) -> Entry {
            (key, value, metadata)
        }
    }

    #[track_caller]
    fn assert_read(lines: &[&str], expected: &[(&str, &str, &str)]) {
        let expected: Vec<_> = expected
            .iter()
            .map(|(key, value, metadata)| {
                (key.to_string(), value.to_string(), metadata.to_string())
            })
            .collect();
        assert_eq!(read(lines), expected, "{lines:?}");
    }

    fn sent(key: &'static str, value: &str) -> Option<String> {
        header(&Baggage::from_iter([KeyValue::new(key, value.to_owned())]))
    }

    #[test]
    fn members_of_all_lines_are_read() {
        assert_read(
            &["userId=alice", "serverNode=DF%2028,isProduction=false"],
            &[("isProduction", "false", ""), ("serverNode", "DF 28", ""), ("userId", "alice", "")],
        );
    }

    #[test]
    fn whitespace_around_keys_values_and_properties_is_dropped() {
        assert_read(&[" a \t=\t 1 ; p ; q = 2 , b=2 "], &[("a", "1", "p;q=2"), ("b", "2", "")]);
    }

    #[test]
    fn values_are_percent_decoded_as_utf8() {
        assert_read(&["a=%F0%9F%98%80%2C%3b"], &[("a", "😀,;", "")]);
    }

    #[test]
    fn octets_that_are_no_utf8_read_as_the_replacement_character() {
        assert_read(&["a=%ff1"], &[("a", "\u{fffd}1", "")]);
    }

    #[test]
    fn a_percent_sign_without_digits_stands_for_itself() {
        assert_read(&["a=100%,b=%zz"], &[("a", "100%", ""), ("b", "%zz", "")]);
    }

    #[test]
    fn a_value_may_be_empty_and_may_contain_equals_signs() {
        assert_read(&["a=,b==1=2="], &[("a", "", ""), ("b", "=1=2=", "")]);
    }

    #[test]
    fn a_key_is_not_decoded() {
        assert_read(&["a%20b=1"], &[("a%20b", "1", "")]);
    }

    #[test]
    fn the_last_of_two_members_with_one_key_counts() {
        assert_read(&["a=1,b=1", "a=2;p"], &[("a", "2", "p"), ("b", "1", "")]);
    }

    #[test]
    fn members_are_sent_in_the_order_in_which_they_came() {
        let keys: Vec<_> = (0..20).map(|at| format!("k{}=1", at * 7 % 20)).collect();
        let received = super::extract([keys.join(",").as_bytes()].into_iter()).unwrap();

        let ReceivedBaggage { mut baggage, order } = received;
        assert_eq!(super::header(&baggage, Some(&order)), Some(keys.join(",")));
        baggage.remove("k7");
        baggage.insert("b", "1");
        baggage.insert("a", "1");
        let expected = format!("k0=1,{},a=1,b=1", keys[2..].join(","));
        assert_eq!(super::header(&baggage, Some(&order)), Some(expected));
    }

    #[test]
    fn a_bad_key_drops_only_its_member() {
        for key in ["", "a b", "a@b", "a/b", "ä", "\"a\"", "a\u{7f}"] {
            assert_read(&[&format!("x=1,{key}=2,y=3")], &[("x", "1", ""), ("y", "3", "")]);
        }
    }

    #[test]
    fn a_bad_value_drops_only_its_member() {
        for value in ["a b", "\"a\"", "a\\b", "ä", "a\tb", "a\u{7f}"] {
            assert_read(&[&format!("x=1,k={value},y=3")], &[("x", "1", ""), ("y", "3", "")]);
        }
    }

    #[test]
    fn a_member_without_an_equals_sign_is_dropped_alone() {
        assert_read(&["x=1,k,,;p=1,y=3"], &[("x", "1", ""), ("y", "3", "")]);
    }

    #[test]
    fn a_bad_property_is_dropped_alone() {
        assert_read(&["a=1;p=1;;b d;q=\"2\";=3;r"], &[("a", "1", "p=1;r")]);
    }

    #[test]
    fn properties_stay_encoded() {
        assert_read(&["a=1;p=x%3By%2C"], &[("a", "1", "p=x%3By%2C")]);
    }

    #[test]
    fn bytes_that_are_no_text_drop_only_their_member() {
        let baggage = extract([b"a=1,b=\xff,\xff=2,c=3;\xff".as_slice()].into_iter()).unwrap();

        assert_eq!(baggage.to_string().len(), "a=1,c=3".len());
    }

    #[test]
    fn nothing_readable_is_no_baggage() {
        for lines in [&[][..], &[""], &[" , "], &["a", "b"]] {
            assert!(extract(lines.iter().map(|line| line.as_bytes())).is_none());
        }
    }

    #[test]
    fn a_65th_member_is_dropped() {
        let members: Vec<_> = (0..65).map(|at| format!("k{at}=1")).collect();
        let entries = read(&[&members.join(",")]);

        assert_eq!(entries.len(), 64);
        assert!(!entries.iter().any(|(key, ..)| key == "k64"));
    }

    #[test]
    fn members_past_8192_bytes_are_dropped() {
        let first = format!("a={}", "v".repeat(8000));
        let rest = format!("b={}", "v".repeat(189));

        assert_eq!(first.len() + 1 + rest.len(), 8194);
        assert_eq!(read(&[&first, &rest]).len(), 1);
        assert_eq!(read(&[&first, &rest[..189]]).len(), 2);
        assert_eq!(read(&[&format!("{first},{}", &rest[..189])]).len(), 2);
    }

    #[test]
    fn values_are_sent_percent_encoded() {
        assert_eq!(
            sent("k", "a b,c;d=\"e\"\\f%+é\r\n").unwrap(),
            "k=a%20b%2Cc%3Bd%3D%22e%22%5Cf%25%2B%C3%A9%0D%0A"
        );
    }

    #[test]
    fn what_was_received_within_the_limits_is_sent_though_its_encoding_is_longer() {
        let long = format!("a={}, b=1", "=".repeat(4000));
        let received = super::extract([long.as_bytes()].into_iter()).unwrap();
        let sent = super::header(&received.baggage, Some(&received.order)).unwrap();
        assert_eq!(sent, long.replace(", ", ","));
    }

    #[test]
    fn empty_baggage_is_not_sent() {
        assert_eq!(header(&Baggage::new()), None);
    }

    #[test]
    fn metadata_a_program_made_up_cannot_add_members() {
        let mut baggage = Baggage::new();
        baggage.insert_with_metadata("a", "1", "p=1,evil=1;q;x\r\ny: z");

        assert_eq!(header(&baggage).unwrap(), "a=1;q");
    }

    #[test]
    fn a_member_that_exceeds_the_limit_is_not_sent() {
        let mut baggage = Baggage::new();
        baggage.insert("long", " ".repeat(3000));
        baggage.insert("short", "1");

        assert_eq!(header(&baggage).unwrap(), "short=1");
    }

    proptest! {
        #[test]
        fn any_bytes_give_bounded_baggage(
            lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..6),
        ) {
            let baggage = extract(lines.iter().map(Vec::as_slice)).unwrap_or_default();
            prop_assert!(header(&baggage).unwrap_or_default().len() <= MAX_BYTES);
        }

        #[test]
        fn whatever_is_sent_reads_the_same(
            members in prop::collection::vec(member(), 0..80),
        ) {
            let mut baggage = Baggage::new();
            for (key, value, metadata) in members {
                baggage.insert_with_metadata(key, value, metadata);
            }
            let sent = header(&baggage).unwrap_or_default();
            let again = extract([sent.as_bytes()].into_iter()).unwrap_or_default();
            for (key, (value, _)) in &again {
                prop_assert_eq!(Some(value), baggage.get(key));
            }
            prop_assert!(sent.len() > 7000 || again.len() == baggage.len());
            let third = header(&again).and_then(|sent| extract([sent.as_bytes()].into_iter()));
            prop_assert_eq!(entries(&third.unwrap_or_default()), entries(&again));
        }

        #[test]
        fn text_near_the_grammar_never_grows_past_the_limits(
            line in "([a-c]{1,2} ?= ?[!-~]{0,6}(;[!-~]{0,4}){0,2},?){0,20}",
        ) {
            if let Some(baggage) = extract([line.as_bytes()].into_iter()) {
                let sent = header(&baggage).unwrap_or_default();
                let again = extract([sent.as_bytes()].into_iter()).unwrap_or_default();
                prop_assert_eq!(entries(&again), entries(&baggage));
            }
        }
    }
}
