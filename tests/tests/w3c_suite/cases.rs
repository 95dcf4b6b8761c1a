//! The cases, by the names that the suite has for them.

use Parent::{Continues, Restarts};

pub(crate) const TRACE_ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
pub(crate) const PARENT_ID: &str = "00f067aa0ba902b7";
const PARENT: &str = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

/// The trace in which the next service is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parent {
    Continues,
    Restarts,
}

/// Header lines of a request, and what the next service receives.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) lines: Vec<String>,
    pub(crate) parent: Parent,
    /// Members of `tracestate`, in order.
    pub(crate) state: Vec<String>,
}

/// Returns all cases with one call of the next service.
pub(crate) fn cases() -> Vec<Case> {
    let state = [state_headers(), state_whitespace(), state_members(), state_limits()];
    [versions(), ids_and_flags()].into_iter().chain(state).flatten().collect()
}

/// Returns the cases with three calls of the next service.
pub(crate) fn cases_of_three_calls() -> Vec<Case> {
    let zeros = "traceparent: 00-00000000000000000000000000000000-00f067aa0ba902b7-01";
    vec![
        case("multiple_requests_with_valid_traceparent", [PARENT], Continues),
        case("multiple_requests_without_traceparent", [], Restarts),
        case("multiple_requests_with_illegal_traceparent", [zeros], Restarts),
    ]
}

fn case<const N: usize>(name: &'static str, lines: [&str; N], parent: Parent) -> Case {
    Case { name, lines: lines.map(str::to_owned).to_vec(), parent, state: Vec::new() }
}

/// Returns a case whose only line is a `traceparent`.
fn of_parent(name: &'static str, value: &str, parent: Parent) -> Case {
    case(name, [&format!("traceparent: {value}")], parent)
}

/// Returns a case with a valid `traceparent`, these lines of `tracestate`, and these members in what
/// the next service receives.
fn of_state<const N: usize>(name: &'static str, lines: [&str; N], members: &[&str]) -> Case {
    let lines = lines.map(|value| format!("tracestate: {value}"));
    let lines = std::iter::once(PARENT.to_owned()).chain(lines).collect();
    let state = members.iter().copied().map(str::to_owned).collect();
    Case { name, lines, parent: Continues, state }
}

fn versions() -> Vec<Case> {
    let other = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4737-00f067aa0ba902b7-01";
    let renamed = |name| PARENT.replace("traceparent", name);
    let of = |version: &str, more: &str| {
        format!("{version}-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01{more}")
    };
    vec![
        case("both_traceparent_and_tracestate_missing", [], Restarts),
        case("traceparent_included_tracestate_missing", [PARENT], Continues),
        case("traceparent_duplicated", [other, PARENT], Restarts),
        case("traceparent_duplicated", [PARENT, PARENT], Restarts),
        case("traceparent_header_name", [&renamed("trace-parent")], Restarts),
        case("traceparent_header_name", [&renamed("trace.parent")], Restarts),
        case("traceparent_header_name_valid_casing", [&renamed("TraceParent")], Continues),
        case("traceparent_header_name_valid_casing", [&renamed("TrAcEpArEnT")], Continues),
        case("traceparent_header_name_valid_casing", [&renamed("TRACEPARENT")], Continues),
        of_parent("traceparent_version_0x00", &of("00", "."), Restarts),
        of_parent("traceparent_version_0x00", &of("00", "-from-the-future"), Restarts),
        of_parent("traceparent_version_0xcc", &of("cc", ""), Continues),
        of_parent("traceparent_version_0xcc", &of("cc", "-from-the-future"), Continues),
        of_parent("traceparent_version_0xcc", &of("cc", ".from-the-future"), Restarts),
        of_parent("traceparent_version_0xff", &of("ff", ""), Restarts),
        of_parent("traceparent_version_illegal_characters", &of(".0", ""), Restarts),
        of_parent("traceparent_version_illegal_characters", &of("0.", ""), Restarts),
        of_parent("traceparent_version_too_long", &of("000", ""), Restarts),
        of_parent("traceparent_version_too_long", &of("0000", ""), Restarts),
        of_parent("traceparent_version_too_short", &of("0", ""), Restarts),
        of_parent("traceparent_ows_handling", &of(" 00", ""), Continues),
        of_parent("traceparent_ows_handling", &of("\t00", ""), Continues),
        of_parent("traceparent_ows_handling", &of("00", " "), Continues),
        of_parent("traceparent_ows_handling", &of("00", "\t"), Continues),
        of_parent("traceparent_ows_handling", &of("\t 00", " \t"), Continues),
    ]
}

fn ids_and_flags() -> Vec<Case> {
    let trace = |name, id: &str| of_parent(name, &format!("00-{id}-00f067aa0ba902b7-01"), Restarts);
    let parent = |name, id: &str| {
        of_parent(name, &format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{id}-01"), Restarts)
    };
    let flags = |name, flags: &str, parent| {
        let value = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}");
        of_parent(name, &value, parent)
    };
    vec![
        trace("traceparent_trace_id_all_zero", "00000000000000000000000000000000"),
        trace("traceparent_trace_id_illegal_characters", ".bf92f3577b34da6a3ce929d0e0e4736"),
        trace("traceparent_trace_id_illegal_characters", "4bf92f3577b34da6a3ce929d0e0e473."),
        trace("traceparent_trace_id_too_long", "4bf92f3577b34da6a3ce929d0e0e47369"),
        trace("traceparent_trace_id_too_short", "4bf92f3577b34da6a3ce929d0e0e473"),
        parent("traceparent_parent_id_all_zero", "0000000000000000"),
        parent("traceparent_parent_id_illegal_characters", ".0f067aa0ba902b7"),
        parent("traceparent_parent_id_illegal_characters", "00f067aa0ba902b."),
        parent("traceparent_parent_id_too_long", "00f067aa0ba902b79"),
        parent("traceparent_parent_id_too_short", "00f067aa0ba902b"),
        flags("traceparent_trace_flags_illegal_characters", ".0", Restarts),
        flags("traceparent_trace_flags_illegal_characters", "0.", Restarts),
        flags("traceparent_trace_flags_too_long", "001", Restarts),
        flags("traceparent_trace_flags_too_short", "1", Restarts),
        flags("propagates_random_flag", "02", Continues),
        flags("propagates_random_flag", "03", Continues),
    ]
}

fn state_headers() -> Vec<Case> {
    let named = |line| Case {
        state: vec!["foo=1".to_owned()],
        ..case("tracestate_header_name_valid_casing", [PARENT, line], Continues)
    };
    vec![
        case("tracestate_included_traceparent_missing", ["tracestate: foo=1"], Restarts),
        case("tracestate_included_traceparent_missing", ["tracestate: foo=1,bar=2"], Restarts),
        of_state("tracestate_included_traceparent_included", ["foo=1,bar=2"], &["foo=1", "bar=2"]),
        case("tracestate_header_name", [PARENT, "trace-state: foo=1"], Continues),
        case("tracestate_header_name", [PARENT, "trace.state: foo=1"], Continues),
        named("TraceState: foo=1"),
        named("TrAcEsTaTe: foo=1"),
        named("TRACESTATE: foo=1"),
        of_state("tracestate_empty_header", [""], &[]),
        of_state("tracestate_empty_header", ["foo=1", ""], &["foo=1"]),
        of_state("tracestate_empty_header", ["", "foo=1"], &["foo=1"]),
        of_state(
            "tracestate_multiple_headers_different_keys",
            ["foo=1,bar=2", "rojo=1,congo=2", "baz=3"],
            &["foo=1", "bar=2", "rojo=1", "congo=2", "baz=3"],
        ),
        of_state("tracestate_duplicated_keys", ["foo=1,foo=1"], &["foo=1"]),
        of_state("tracestate_duplicated_keys", ["foo=1,foo=2"], &["foo=1"]),
        of_state("tracestate_duplicated_keys", ["foo=1", "foo=1"], &["foo=1"]),
        of_state("tracestate_duplicated_keys", ["foo=1", "foo=2"], &["foo=1"]),
    ]
}

fn state_whitespace() -> Vec<Case> {
    let (name, three) = ("tracestate_ows_handling", ["foo=1", "bar=2", "baz=3"]);
    vec![
        of_state(name, ["foo=1 \t , \t bar=2, \t baz=3"], &three),
        of_state(name, ["foo=1\t \t,\t \tbar=2,\t \tbaz=3"], &three),
        of_state(name, [" foo=1"], &["foo=1"]),
        of_state(name, ["\tfoo=1"], &["foo=1"]),
        of_state(name, ["foo=1 "], &["foo=1"]),
        of_state(name, ["foo=1\t"], &["foo=1"]),
        of_state(name, ["\t foo=1 \t"], &["foo=1"]),
    ]
}

fn state_members() -> Vec<Case> {
    let characters = |ranges: &[(u8, u8)]| -> String {
        ranges.iter().flat_map(|(first, last)| *first..=*last).map(char::from).collect()
    };
    let key = characters(&[(b'a', b'z'), (b'0', b'9')]) + "_-*/";
    let value = characters(&[(0x20, 0x2b), (0x2d, 0x3c), (0x3e, 0x7e)]);
    let [plain, of_vendor] = [format!("{key}={value}"), format!("{key}@a-z0-9_-*/={value}")];
    let (legal, key) =
        ("tracestate_key_illegal_vendor_format", "tracestate_key_illegal_characters");
    vec![
        of_state("tracestate_all_allowed_characters", [&plain], &[&plain]),
        of_state("tracestate_all_allowed_characters", [&of_vendor], &[&of_vendor]),
        of_state(key, ["foo =1"], &[]),
        of_state(key, ["FOO=1"], &[]),
        of_state(key, ["foo.bar=1"], &[]),
        of_state(legal, ["foo@=1,bar=2"], &["foo@=1", "bar=2"]),
        of_state(legal, ["@foo=1,bar=2"], &[]),
        of_state(legal, ["foo@@bar=1,bar=2"], &["foo@@bar=1", "bar=2"]),
        of_state(legal, ["foo@bar@baz=1,bar=2"], &["foo@bar@baz=1", "bar=2"]),
        of_state("tracestate_value_illegal_characters", ["foo=bar=baz"], &[]),
        of_state("tracestate_value_illegal_characters", ["foo=,bar=3"], &[]),
    ]
}

fn state_limits() -> Vec<Case> {
    let members: Vec<_> = (1..=33).map(|number| format!("bar{number:02}={number:02}")).collect();
    let line = |range: std::ops::Range<usize>| members[range].join(",");
    let lines = |count| [line(0..10), line(10..20), line(20..30), line(30..count)];
    let of_count = |count, kept: &[String]| {
        let lines = lines(count);
        let kept: Vec<_> = kept.iter().map(String::as_str).collect();
        of_state("tracestate_member_count_limit", lines.each_ref().map(String::as_str), &kept)
    };
    let of_key = |key: String, is_kept: bool| {
        let member = format!("{key}=1");
        let kept = if is_kept { vec!["foo=1", &*member] } else { Vec::new() };
        of_state("tracestate_key_length_limit", ["foo=1", &member], &kept)
    };
    vec![
        of_count(32, &members[..32]),
        of_count(33, &[]),
        of_key("z".repeat(256), true),
        of_key("z".repeat(257), false),
        of_key(format!("{}@{}", "t".repeat(241), "v".repeat(14)), true),
        of_key(format!("{}@v", "t".repeat(242)), true),
        of_key(format!("t@{}", "v".repeat(15)), true),
    ]
}
