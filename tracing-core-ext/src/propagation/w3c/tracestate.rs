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

/// Calls `read` with the value of the member `key` of a list, if the list is valid and has it.
pub(crate) fn with_member<'a, R>(
    lines: impl IntoIterator<Item = &'a [u8]>,
    key: &str,
    read: impl FnOnce(&str) -> R,
) -> Option<R> {
    let members = Members::parse(lines)?;
    members.0.iter().find(|member| member.key == key).map(|member| read(member.value))
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
mod tests;
