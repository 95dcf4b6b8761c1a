use proptest::prelude::*;

use super::*;

fn read(lines: &[&str]) -> (TraceState, Option<RawTraceState>) {
    extract(lines.iter().map(|line| line.as_bytes()))
}

fn write(trace_state: &TraceState, raw: Option<&RawTraceState>) -> Option<String> {
    header(trace_state, raw).map(Cow::into_owned)
}

/// Returns the `tracestate` that a service without changes to the list injects.
fn forward(lines: &[&str]) -> Option<String> {
    let (trace_state, partial) = read(lines);
    let sent = write(&trace_state, partial.as_ref());
    let unread = keep_raw(|| lines.iter().map(|line| line.as_bytes()));
    assert_eq!(write(&TraceState::NONE, unread.as_ref()), sent, "{lines:?} unread");
    sent
}

#[track_caller]
fn assert_kept(list: &str) {
    assert_eq!(forward(&[list]).as_deref(), Some(list));
}

#[track_caller]
fn assert_dropped(lines: &[&str]) {
    assert_eq!(forward(lines), None, "{lines:?}");
}

fn numbered(count: usize) -> String {
    let members: Vec<_> = (0..count).map(|at| format!("bar{at:02}={at:02}")).collect();
    members.join(",")
}

#[test]
fn a_list_is_read_in_order() {
    let (trace_state, partial) = read(&["foo=1,bar=2"]);

    assert_eq!(trace_state.header(), "foo=1,bar=2");
    assert!(partial.is_none());
}

#[test]
fn all_lines_are_joined_in_order() {
    let lines = ["foo=1,bar=2", "rojo=1,congo=2", "baz=3"];

    assert_eq!(forward(&lines).unwrap(), "foo=1,bar=2,rojo=1,congo=2,baz=3");
}

#[test]
fn an_empty_list_is_not_sent_on() {
    for lines in [&[][..], &[""], &["", " \t"], &[",, ,"]] {
        assert_dropped(lines);
    }
}

#[test]
fn empty_members_are_allowed_and_dropped() {
    assert_eq!(forward(&["foo=1", ""]).unwrap(), "foo=1");
    assert_eq!(forward(&["", "foo=1"]).unwrap(), "foo=1");
    assert_eq!(forward(&[",foo=1, \t ,,bar=2,"]).unwrap(), "foo=1,bar=2");
}

#[test]
fn whitespace_around_members_is_dropped() {
    for list in [
        "foo=1 \t , \t bar=2, \t baz=3",
        "foo=1\t \t,\t \tbar=2,\t \tbaz=3",
        "\t foo=1,bar=2,baz=3 \t",
    ] {
        assert_eq!(forward(&[list]).unwrap(), "foo=1,bar=2,baz=3");
    }
}

#[test]
fn every_character_of_the_grammar_is_allowed() {
    let key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/";
    let value: String = (' '..='~').filter(|char| !",=".contains(*char)).collect();

    assert_kept(&format!("{key}={value}"));
    assert_kept(&format!("{key}@a-z0-9_-*/={value}"));
}

#[test]
fn a_key_may_begin_with_a_digit() {
    assert_kept("1foo=1");
}

#[test]
fn the_first_of_several_members_with_one_key_is_kept() {
    for lines in [&["foo=1,foo=1"][..], &["foo=1,foo=2"], &["foo=1", "foo=1"], &["foo=1", "foo=2"]]
    {
        assert_eq!(forward(lines).unwrap(), "foo=1", "{lines:?}");
    }
    assert_eq!(
        forward(&["a=1,foo@bar@baz=1,a=2", "foo@bar@baz=2,b=3"]).unwrap(),
        "a=1,foo@bar@baz=1,b=3"
    );
}

#[test]
fn members_with_one_key_count_towards_the_limit() {
    assert_eq!(forward(&[&numbered(31), "bar00=1"]), Some(numbered(31)));
    assert_dropped(&[&numbered(32), "bar00=1"]);
}

#[test]
fn a_character_outside_the_key_grammar_drops_the_list() {
    for key in ["foo ", "FOO", "foo.bar", "@foo", "_foo", "-foo", "*foo", "/foo", "fôo", ""] {
        assert_dropped(&[&format!("bar=2,{key}=1")]);
    }
}

#[test]
fn a_value_outside_the_grammar_drops_the_list() {
    for value in ["bar=baz", "", "b\tr", "b\u{7f}r", "bär"] {
        assert_dropped(&[&format!("foo={value},bar=3")]);
    }
}

#[test]
fn a_member_without_a_value_drops_the_list() {
    assert_dropped(&["foo,bar=3"]);
}

#[test]
fn bytes_that_are_no_text_drop_the_list() {
    let (trace_state, _) = extract([b"foo=1,bar=\xff".as_slice()]);

    assert_eq!(trace_state, TraceState::NONE);
}

#[test]
fn a_33rd_member_drops_the_list() {
    assert_kept(&numbered(32));
    assert_dropped(&[&numbered(33)]);
}

#[test]
fn a_33rd_member_on_another_line_drops_the_list() {
    assert_dropped(&[&numbered(32), "foo=1"]);
    assert_eq!(forward(&[&numbered(32), ","]), Some(numbered(32)));
}

#[test]
fn a_key_of_more_than_256_characters_drops_the_list() {
    assert_kept(&format!("foo=1,{}=1", "z".repeat(256)));
    assert_dropped(&["foo=1", &format!("{}=1", "z".repeat(257))]);
}

#[test]
fn a_value_of_more_than_256_characters_drops_the_list() {
    assert_kept(&format!("foo={}", "z".repeat(256)));
    assert_dropped(&[&format!("foo={}", "z".repeat(257))]);
}

#[test]
fn an_at_sign_is_a_key_character_like_any_other() {
    for key in ["foo@", "foo@@bar", "foo@bar@baz", "f@1bar", "f@-bar"] {
        assert_kept(&format!("{key}=1,bar=2"));
    }
    assert_kept(&format!("foo=1,{}@{}=1", "t".repeat(241), "v".repeat(14)));
    assert_kept(&format!("foo=1,{}@v=1", "t".repeat(242)));
    assert_kept(&format!("foo=1,t@{}=1", "v".repeat(15)));
}

#[test]
fn keys_that_a_trace_state_holds_stay_readable_beside_others() {
    let (trace_state, partial) = read(&["a=1,foo@bar@baz=2,c=3"]);

    assert_eq!(trace_state.header(), "a=1,c=3");
    assert_eq!(write(&trace_state, partial.as_ref()).unwrap(), "a=1,foo@bar@baz=2,c=3");
}

#[test]
fn a_changed_trace_state_goes_before_what_it_does_not_hold() {
    let (trace_state, partial) = read(&["a=1,foo@bar@baz=2,c=3"]);
    let changed = trace_state.insert("c", "4").unwrap();

    assert_eq!(write(&changed, partial.as_ref()).unwrap(), "c=4,a=1,foo@bar@baz=2");
}

#[test]
fn a_changed_trace_state_leaves_room_for_32_members() {
    let list = format!("{},foo@bar@baz=2", numbered(31));
    let (trace_state, partial) = read(&[&list]);
    let changed = trace_state.insert("mine", "1").unwrap();

    assert_eq!(write(&changed, partial.as_ref()).unwrap(), format!("mine=1,{}", numbered(31)));
}

#[test]
fn members_a_program_should_not_have_added_are_not_sent() {
    let members = [("", "1"), ("a", ""), ("b", "ü"), ("c", "x\r\ny"), ("d", "1 "), ("e", "2")];
    let trace_state = TraceState::from_key_value(members).unwrap();

    assert_eq!(write(&trace_state, None).unwrap(), "e=2");
}

#[test]
fn the_first_of_two_members_a_program_added_with_one_key_is_sent() {
    let trace_state = TraceState::from_key_value([("a", "1"), ("b", "2"), ("a", "3")]);

    assert_eq!(write(&trace_state.unwrap(), None).unwrap(), "a=1,b=2");
}

#[test]
fn a_list_of_512_characters_is_kept_whole() {
    let long = "v".repeat(256);
    let list = format!("a={long},b={}", &long[..251]);

    assert_eq!(list.len(), 512);
    assert_kept(&list);
}

#[test]
fn an_overlong_list_loses_its_last_long_members_first() {
    let long = "v".repeat(256);
    let members: Vec<_> = (10..26).map(|at| format!("k{at}={long}")).collect();
    let list = format!("{},last=1", members.join(","));

    let expected = format!("{},last=1", members[..15].join(","));
    assert_eq!(forward(&[&list]), Some(expected));
}

#[test]
fn an_overlong_list_of_short_members_loses_its_end() {
    let mut members = Members::default();
    let keys: Vec<_> = (10..50).map(|at| format!("k{at}")).collect();
    let value = "v".repeat(124);
    members.0 = keys.iter().map(|key| Member { key, value: &value }).collect();
    members.truncate();

    assert_eq!(members.0.len(), 31);
    assert_eq!(members.0.last().unwrap().key, "k40");
}

prop_compose! {
    /// Text similar to a list, so that many samples are valid.
    fn line()(
        odd in "([a-z0-9@]{1,4}=[ -~&&[^,=]]{1,4}|[ \t]?|=|\\PC){0,3}",
        plain in "(,[a-z@]{1,3}=[0-9]){0,12}",
    ) -> String {
        odd + &plain
    }
}

proptest! {
    #[test]
    fn any_bytes_give_a_bounded_list(
        lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..6),
    ) {
        let (trace_state, partial) = extract(lines.iter().map(Vec::as_slice));
        let sent = write(&trace_state, partial.as_ref());
        prop_assert!(sent.is_none_or(|sent| (1..=MAX_BYTES).contains(&sent.len())));
    }

    #[test]
    fn whatever_is_sent_reads_the_same(lines in prop::collection::vec(line(), 0..4)) {
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        if let Some(sent) = forward(&lines) {
            prop_assert_eq!(forward(&[&sent]), Some(sent));
        }
    }

    #[test]
    fn a_list_of_any_length_stays_within_the_bound(
        lens in prop::collection::vec((0usize..252, 1usize..257), 0..33),
    ) {
        let member = |(at, (key, value)): (usize, &(usize, usize))| {
            format!("k{at:02}{}={}", "k".repeat(*key), "v".repeat(*value))
        };
        let list = lens.iter().enumerate().map(member).collect::<Vec<_>>().join(",");
        let sent = forward(&[&list]).unwrap_or_default();
        prop_assert!(sent.len() <= MAX_BYTES);
        prop_assert!(sent.len() >= list.len().min(512));
    }
}
