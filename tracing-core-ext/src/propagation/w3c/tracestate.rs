use std::borrow::Cow;

use http::HeaderName;
use opentelemetry::trace::TraceState;

pub(crate) static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// W3C Trace Context Level 2, "list": a list with more members is invalid.
const MAX_MEMBERS: usize = 32;

/// Size to which a longer list is truncated. "tracestate Limits" requires at least 512 characters.
/// Eight times that size fits long lists and limits the memory and the header size for each
/// request.
const MAX_BYTES: usize = 4096;

/// "tracestate Limits": longer members are removed first if a list must be truncated.
const LONG_MEMBER: usize = 128;

/// Parses the lines of a `tracestate` as one list.
///
/// An invalid list is dropped as a whole, and the result is an empty state.
pub(crate) fn extract<'a>(
    lines: impl IntoIterator<Item = &'a [u8]>,
) -> (TraceState, Option<RawTraceState>) {
    let Some(members) = Members::parse(lines) else {
        return (TraceState::NONE, None);
    };
    match members.to_trace_state() {
        Some(trace_state) => (trace_state, None),
        None => {
            let partial = PartialTraceState::new(&members);
            (partial.accepted.clone(), Some(RawTraceState::Partial(Box::new(partial))))
        }
    }
}

/// Stores the lines of a `tracestate` without parsing them; they are parsed at injection. A list
/// that must be truncated is parsed.
pub(crate) fn keep_raw<'a, I>(lines: impl Fn() -> I) -> Option<RawTraceState>
where
    I: IntoIterator<Item = &'a [u8]>,
{
    let length: usize = lines().into_iter().map(|line| line.len() + 1).sum();
    if length > MAX_BYTES {
        let list = Members::parse(lines())?.header()?;
        return Some(RawTraceState::Unparsed(list.into_bytes()));
    }
    let mut list = Vec::with_capacity(length);
    for line in lines() {
        list.extend_from_slice(line);
        list.push(b',');
    }
    Some(RawTraceState::Unparsed(list))
}

/// Returns the `tracestate` to inject for a span, or `None` if there are no members.
///
/// Members in a `TraceState` that are invalid in a `tracestate` are omitted: the API accepts empty
/// and non-ASCII values, and duplicate keys.
pub(crate) fn header<'a>(
    trace_state: &TraceState,
    raw: Option<&'a RawTraceState>,
) -> Option<Cow<'a, str>> {
    let mut members = Members::of(trace_state);
    match raw {
        None => {}
        Some(RawTraceState::Unparsed(list)) => members.append(list),
        Some(RawTraceState::Partial(partial)) if *trace_state == partial.accepted => {
            return Some(Cow::Borrowed(&partial.list));
        }
        Some(RawTraceState::Partial(partial)) => members.append(partial.rejected.as_bytes()),
    }
    members.header().map(Cow::Owned)
}

/// A list that the span's `TraceState` does not contain, completely or in part. It is stored beside
/// the span.
#[derive(Debug)]
pub(crate) enum RawTraceState {
    /// Complete list as received, at most 4,096 bytes. It is not parsed, because the span is not
    /// recorded.
    Unparsed(Vec<u8>),
    Partial(Box<PartialTraceState>),
}

/// List with members that a `TraceState` does not accept.
///
/// `TraceState` accepts the keys of Level 1, which contain at most one `@`. Level 2 has no such
/// rule, and a service that only forwards a list must forward these keys. The complete list is
/// therefore stored in the context, beside the accepted members in the `TraceState`.
#[derive(Debug)]
pub(crate) struct PartialTraceState {
    accepted: TraceState,
    list: String,
    rejected: String,
}

impl PartialTraceState {
    fn new(members: &Members<'_>) -> Self {
        let (accepted, rejected) = members.0.iter().partition(|member| member.fits_trace_state());
        Self {
            accepted: Members(accepted).to_trace_state().unwrap_or_default(),
            list: members.header().unwrap_or_default(),
            rejected: Members(rejected).header().unwrap_or_default(),
        }
    }
}

/// Valid list: at most 32 members and at most 4,096 bytes. Of several members with one key, the
/// first is kept.
#[derive(Debug, Default)]
struct Members<'a>(Vec<Member<'a>>);

impl<'a> Members<'a> {
    // W3C Trace Context Level 2, "list":
    //
    //   list        = list-member 0*31( OWS "," OWS list-member )
    //   list-member = key "=" value
    //   list-member = OWS
    //
    // and "tracestate Header Field Values": several header fields are combined, in order.
    fn parse(lines: impl IntoIterator<Item = &'a [u8]>) -> Option<Self> {
        let mut members = Self(Vec::with_capacity(4));
        let mut count = 0;
        for line in lines {
            let mut rest = Some(str::from_utf8(line).ok()?);
            while let Some(list) = rest {
                let (member, others) =
                    split(list, b',').map_or((list, None), |it| (it.0, Some(it.1)));
                let member = trim_ows(member);
                if !member.is_empty() {
                    count += 1;
                    if count > MAX_MEMBERS {
                        return None;
                    }
                    members.push(Member::parse(member)?);
                }
                rest = others;
            }
        }
        members.truncate();
        Some(members)
    }

    fn of(trace_state: &'a TraceState) -> Self {
        let mut members = Self::default();
        for (key, value) in trace_state {
            if let Some(member) = Member::new(key, value) {
                members.push(member);
            }
        }
        members.truncate();
        members
    }

    /// Adds a member with a new key, if there is room.
    fn push(&mut self, member: Member<'a>) {
        let is_new = self.0.iter().all(|other| other.key != member.key);
        if is_new && self.0.len() < MAX_MEMBERS {
            self.0.push(member);
        }
    }

    /// Appends the members of a list with other keys that fit.
    fn append(&mut self, list: &'a [u8]) {
        let others = Self::parse([list]).unwrap_or_default();
        for member in others.0 {
            self.push(member);
        }
        self.truncate();
    }

    /// "tracestate Limits": whole members are removed, long ones first, and then from the end.
    fn truncate(&mut self) {
        while self.len() > MAX_BYTES {
            let long = self.0.iter().rposition(|member| member.len() > LONG_MEMBER);
            self.0.remove(long.unwrap_or(self.0.len() - 1));
        }
    }

    fn len(&self) -> usize {
        let commas = self.0.len().saturating_sub(1);
        commas + self.0.iter().map(Member::len).sum::<usize>()
    }

    fn to_trace_state(&self) -> Option<TraceState> {
        TraceState::from_key_value(self.0.iter().map(|member| (member.key, member.value))).ok()
    }

    fn header(&self) -> Option<String> {
        let mut header = String::with_capacity(self.len());
        for (at, member) in self.0.iter().enumerate() {
            if at > 0 {
                header.push(',');
            }
            header.push_str(member.key);
            header.push('=');
            header.push_str(member.value);
        }
        (!header.is_empty()).then_some(header)
    }
}

#[derive(Clone, Copy, Debug)]
struct Member<'a> {
    key: &'a str,
    value: &'a str,
}

impl<'a> Member<'a> {
    fn parse(member: &'a str) -> Option<Self> {
        let (key, value) = split(member, b'=')?;
        Self::new(key, value)
    }

    fn new(key: &'a str, value: &'a str) -> Option<Self> {
        (is_key(key.as_bytes()) && is_value(value.as_bytes())).then_some(Self { key, value })
    }

    fn len(&self) -> usize {
        self.key.len() + 1 + self.value.len()
    }

    fn fits_trace_state(&self) -> bool {
        TraceState::from_key_value([(self.key, self.value)]).is_ok()
    }
}

/// Returns the text before and after the first `separator`.
#[inline]
fn split(text: &str, separator: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == separator)?;
    Some((&text[..at], &text[at + 1..]))
}

/// Trims only if there is whitespace, because most members have none.
#[inline]
fn trim_ows(member: &str) -> &str {
    match member.as_bytes() {
        [b' ' | b'\t', ..] | [.., b' ' | b'\t'] => member.trim_matches([' ', '\t']),
        _ => member,
    }
}

const KEY: u8 = 1;
const VALUE: u8 = 2;

/// Classes of each byte: whether it is allowed in a key, and whether in a value.
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let is_key = matches!(
            byte as u8,
            b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@'
        );
        let is_value = matches!(byte as u8, b' '..=b'~') && !matches!(byte as u8, b',' | b'=');
        classes[byte] = (is_key as u8 * KEY) | (is_value as u8 * VALUE);
        byte += 1;
    }
    classes
};

/// Whether all bytes are of this class. The table lookup has no branch for each byte.
#[inline]
fn all_are(class: u8, bytes: &[u8]) -> bool {
    bytes.iter().fold(class, |classes, byte| classes & CLASSES[usize::from(*byte)]) == class
}

// W3C Trace Context Level 2, "Key":
//
//   key     = ( lcalpha / DIGIT ) 0*255 ( keychar )
//   keychar = lcalpha / DIGIT / "_" / "-"/ "*" / "/" / "@"
fn is_key(key: &[u8]) -> bool {
    let starts_well = matches!(key.first(), Some(b'a'..=b'z' | b'0'..=b'9'));
    starts_well && key.len() <= 256 && all_are(KEY, key)
}

// W3C Trace Context Level 2, "Value":
//
//   value    = 0*255(chr) nblk-chr
//   nblk-chr = %x21-2B / %x2D-3C / %x3E-7E
//   chr      = %x20 / nblk-chr
fn is_value(value: &[u8]) -> bool {
    let ends_well = value.last().is_some_and(|last| *last != b' ');
    ends_well && value.len() <= 256 && all_are(VALUE, value)
}

#[cfg(test)]
mod tests {
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
        for lines in
            [&["foo=1,foo=1"][..], &["foo=1,foo=2"], &["foo=1", "foo=1"], &["foo=1", "foo=2"]]
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
}
