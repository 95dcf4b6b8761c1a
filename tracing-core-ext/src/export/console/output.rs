use std::{
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

/// Destination of printed text. Clones share it.
#[derive(Clone)]
pub(super) struct Output(Arc<Mutex<State>>);

struct State {
    out: Box<dyn Write + Send>,
    is_broken: bool,
}

impl Output {
    pub(super) fn new(out: impl Write + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(State { out: Box::new(out), is_broken: false })))
    }

    /// Writes whole lines at once, so that output of other threads does not split them.
    pub(super) fn print(&self, lines: &str) -> io::Result<()> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let printed = state.print(lines);
        state.is_broken = printed.is_err();
        printed
    }
}

impl State {
    /// After a write that failed, and may have been partial, the next line starts with a line
    /// break.
    fn print(&mut self, lines: &str) -> io::Result<()> {
        if self.is_broken {
            self.out.write_all(b"\n")?;
        }
        self.out.write_all(lines.as_bytes())?;
        self.out.flush()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Keeps printed text for a test.
    #[derive(Clone, Default)]
    pub(crate) struct Page(Arc<Mutex<Vec<u8>>>);

    impl Page {
        pub(crate) fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Page {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Accepts three more bytes, then fails once, then accepts everything.
    struct Disk {
        page: Page,
        writes: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.writes += 1;
            match self.writes {
                1 => self.page.write(&bytes[..3]),
                2 => Err(io::ErrorKind::StorageFull.into()),
                _ => self.page.write(bytes),
            }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_after_a_partial_write_starts_on_a_new_line() {
        let page = Page::default();
        let output = Output::new(Disk { page: page.clone(), writes: 0 });
        assert!(output.print("{\"a\":1}\n").is_err());
        output.print("{\"b\":2}\n").unwrap();
        output.print("{\"c\":3}\n").unwrap();
        assert_eq!(page.text(), "{\"a\n{\"b\":2}\n{\"c\":3}\n");
    }
}
