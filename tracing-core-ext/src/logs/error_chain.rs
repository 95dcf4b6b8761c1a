//! Texts of errors.

use std::{
    error::Error,
    fmt::{self, Write},
};

use crate::base::text::truncate;

/// Maximum number of characters of a text.
const MAX_CHARACTERS: usize = 1024;

/// Maximum number of errors of a chain that are read.
const MAX_SOURCES: usize = 16;

pub(crate) fn sources<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
        .take(MAX_SOURCES)
}

/// Joins the messages of `error` and its sources. A message that is part of the preceding one is omitted.
pub(crate) fn chain<E: Error + ?Sized>(error: &E) -> String {
    let mut text = limited(format_args!("{error}"));
    for source in error.source().into_iter().flat_map(sources) {
        let message = limited(format_args!("{source}"));
        if !text.contains(&message) {
            text = limited(format_args!("{text}: {message}"));
        }
    }
    text
}

/// Formats text up to the limit. The buffer never grows beyond the limit.
pub(crate) fn limited(text: fmt::Arguments<'_>) -> String {
    let mut writer = Limited(String::new());
    // The only error is that of the writer, at the limit.
    let _ = writer.write_fmt(text);
    let limit = truncate::text(&writer.0, MAX_CHARACTERS).len();
    writer.0.truncate(limit);
    writer.0
}

struct Limited(String);

impl Write for Limited {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push_str(truncate::text(text, MAX_CHARACTERS));
        if self.0.len() < 4 * MAX_CHARACTERS { Ok(()) } else { Err(fmt::Error) }
    }
}
