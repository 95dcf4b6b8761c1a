//! The reason of a failure, as text for a span.

use std::{
    any::{self, Any},
    borrow::Cow,
    error::Error,
    fmt::{Debug, Display},
    io,
    time::SystemTime,
};

use opentelemetry::{
    Context, KeyValue,
    trace::{SpanRef, Status, TraceContextExt},
};

use crate::{
    http::url,
    logs::{chain, limited, sources},
    semconv::{names, options::AttributeOptions},
};

/// Type of the errors of unknown type that Tower services return.
type BoxError = Box<dyn Error + Send + Sync>;

/// Messages of errors that end a call at its time limit: those of `tower`, `tokio` and `tonic`.
const TIMEOUT_MESSAGES: [&str; 3] =
    ["request timed out", "deadline has elapsed", "Timeout expired"];

/// Parts of the `Debug` output of such errors, for errors whose sources cannot be read.
const TIMEOUT_NAMES: [&str; 3] = ["TimedOut", "TimeoutExpired", "Elapsed(())"];

/// The reason of a failure, as text.
#[derive(Debug)]
pub(crate) struct FailureReason {
    type_name: Option<&'static str>,
    message: String,
}

impl FailureReason {
    /// Joins the message of `error` and those of its sources.
    pub(crate) fn from_error<E: Error + ?Sized>(error: &E) -> Self {
        Self { type_name: type_name::<E>(), message: chain(error) }
    }

    /// Formats `text`.
    pub(crate) fn from_display<D: Display + ?Sized>(text: &D) -> Self {
        // `anyhow` and `eyre` display the sources in this form.
        Self { type_name: type_name::<D>(), message: limited(format_args!("{text:#}")) }
    }

    /// Formats an error of any type. `with_debug` adds its `Debug` output if its sources cannot be read.
    pub(crate) fn from_any<E: Display + Debug + 'static>(error: &E, with_debug: bool) -> Self {
        match boxed(error) {
            Some(boxed) => Self { type_name: None, message: chain(boxed) },
            None if with_debug => Self {
                type_name: type_name::<E>(),
                message: limited(format_args!("{error}: {error:?}")),
            },
            None => Self { type_name: type_name::<E>(), message: limited(format_args!("{error}")) },
        }
    }

    pub(crate) fn from_panic(message: &str) -> Self {
        Self { type_name: None, message: limited(format_args!("{message}")) }
    }

    /// Returns the message for attributes, without credentials of URLs.
    pub(crate) fn redacted_message(&self, options: &AttributeOptions) -> String {
        let message = redact_urls(&self.message, &options.redacted_keys);
        options.truncated(&message).to_owned()
    }

    /// Returns the type of the error, if it is known.
    pub(crate) const fn type_name(&self) -> Option<&'static str> {
        self.type_name
    }

    /// Sets the status of `span`, and adds an event (semantic conventions, "Recording errors" and "Exceptions on
    /// spans").
    #[cold]
    pub(crate) fn record(self, span: &SpanRef<'_>, at: SystemTime, options: &AttributeOptions) {
        let message = self.redacted_message(options);
        let mut attributes = vec![KeyValue::new(names::EXCEPTION_MESSAGE, message.clone())];
        attributes.extend(self.type_name.map(|it| KeyValue::new(names::EXCEPTION_TYPE, it)));
        span.add_event_with_timestamp(names::EXCEPTION, at, attributes);
        span.set_status(Status::error(message));
    }
}

/// Marks the span in `context` as failed and describes `error`.
pub(crate) fn record_error<D: Display + ?Sized>(
    context: &Context,
    error: &D,
    options: &AttributeOptions,
) {
    let span = context.span();
    if span.is_recording() {
        let now = opentelemetry::time::now();
        FailureReason::from_display(error).record(&span, now, options);
    }
}

/// Whether an error of any type ends a call at its time limit.
pub(crate) fn is_timeout<E: Display + Debug + 'static>(error: &E) -> bool {
    if let Some(error) = boxed(error) {
        return sources(error).any(is_timeout_error);
    }
    let debug = limited(format_args!("{error:?}"));
    TIMEOUT_NAMES.iter().any(|name| debug.contains(name))
}

fn is_timeout_error(error: &(dyn Error + 'static)) -> bool {
    let io = error.downcast_ref::<io::Error>();
    let is_known = || TIMEOUT_MESSAGES.contains(&&*limited(format_args!("{error}")));
    io.is_some_and(|io| io.kind() == io::ErrorKind::TimedOut) || is_known()
}

fn boxed<E: 'static>(error: &E) -> Option<&(dyn Error + 'static)> {
    let error: &dyn Any = error;
    if let Some(boxed) = error.downcast_ref::<BoxError>() {
        return Some(&**boxed);
    }
    error.downcast_ref::<Box<dyn Error>>().map(|boxed| &**boxed)
}

/// Returns the name of an error type. Text has no error type, and the type of a trait object is unknown.
fn type_name<E: ?Sized>() -> Option<&'static str> {
    let name = any::type_name::<E>();
    let is_text = ["str", "&str", "alloc::string::String"].contains(&name);
    let is_erased = name.contains("dyn ") || name.starts_with("core::fmt::Arguments");
    (!is_text && !is_erased).then_some(name)
}

/// Returns `text` without the credentials of the URLs in it.
///
/// A URL may contain quotes, brackets and other whitespace than that of ASCII, which therefore ends one.
pub(crate) fn redact_urls(text: &str, more: &[Box<str>]) -> String {
    let words = text.split_inclusive(|char: char| char.is_ascii_whitespace());
    let redacted = words.map(|word| match word.contains("://") {
        true => {
            let (urls, space) = word.split_at(word.trim_ascii_end().len());
            Cow::Owned(url::redact_joined_urls(urls, more) + space)
        }
        false => Cow::Borrowed(word),
    });
    redacted.collect()
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use crate::exchange::outcome::reason::*;

    #[derive(Debug)]
    struct Outer(io::Error);

    impl Display for Outer {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("outer")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn a_reason_has_the_messages_of_all_sources() {
        let reason = FailureReason::from_error(&Outer(io::Error::other("inner")));
        assert_eq!(reason.message, "outer: inner");
        assert!(reason.type_name.unwrap().ends_with("Outer"));
        let boxed: BoxError = Outer(io::Error::other("outer")).into();
        let reason = FailureReason::from_any(&boxed, true);
        assert_eq!((&*reason.message, reason.type_name), ("outer", None));
    }

    #[test]
    fn an_error_of_another_type_is_described_by_its_debug_output() {
        let error = Outer(io::ErrorKind::ConnectionRefused.into());
        assert_eq!(FailureReason::from_any(&error, false).message, "outer");
        let debug = FailureReason::from_any(&error, true).message;
        assert_eq!(debug, "outer: Outer(Kind(ConnectionRefused))");
    }

    #[test]
    fn text_has_no_type() {
        for reason in [
            FailureReason::from_display("no stock"),
            FailureReason::from_display(&"no stock".to_owned()),
        ] {
            assert_eq!((&*reason.message, reason.type_name), ("no stock", None));
        }
    }

    #[test]
    fn a_reason_is_limited() {
        let long = FailureReason::from_display(&"é".repeat(100_000));
        assert_eq!(long.message, "é".repeat(1024));
        let pieces: String = limited(format_args!("{:?}", vec!["piece"; 100_000]));
        assert_eq!(pieces.chars().count(), 1024);
    }

    #[test]
    fn credentials_in_urls_are_redacted() {
        let more = ["token".into()];
        let text = "error for url (http://joe:pw@h/p?token=t&a=1): see https://x/?sig=s, ftp://u@h";
        assert_eq!(
            redact_urls(text, &more),
            "error for url (http://REDACTED:REDACTED@h/p?token=REDACTED&a=1): \
             see https://x/?sig=REDACTED ftp://REDACTED@h"
        );
        for (text, redacted) in [
            ("(http://joe:p(w@h/)", "(http://REDACTED:REDACTED@h/)"),
            ("http://h/?a=1&token=t'x#top", "http://h/?a=1&token=REDACTED#top"),
            ("http://h/?token=t|x", "http://h/?token=REDACTED"),
            ("\"http://a/\",\"http://joe:pw@h/\"", "\"http://a/\",\"http://REDACTED:REDACTED@h/\""),
            ("http://a/?to=http://joe@h/?sig=s", "http://a/?to=http://REDACTED@h/?sig=REDACTED"),
            ("http://h/?token=a://b?c", "http://h/?token=REDACTED"),
            ("http://h/?a@b", "http://h/?a@b"),
            ("http://joe&token=pw@h/", "http://REDACTED@h/"),
            ("http://h/?a://b&token=c@d://e", "http://h/?a://b&token=REDACTED"),
            ("http://h/?token=a\u{85}b\u{a0}c", "http://h/?token=REDACTED"),
            ("\thttp://joe@h\n\n", "\thttp://REDACTED@h\n\n"),
        ] {
            assert_eq!(redact_urls(text, &more), redacted);
        }
        assert_eq!(redact_urls("no url: // here", &[]), "no url: // here");
    }

    #[test]
    fn timeouts_are_recognised() {
        let timed_out = || io::Error::from(io::ErrorKind::TimedOut);
        let boxed = |error: io::Error| -> BoxError { Outer(error).into() };
        assert!(is_timeout(&boxed(timed_out())));
        assert!(is_timeout(&Outer(timed_out())));
        assert!(is_timeout(&BoxError::from("request timed out")));
        assert!(!is_timeout(&boxed(io::Error::other("refused"))));
        assert!(!is_timeout(&Outer(io::Error::other("refused"))));
    }
}
