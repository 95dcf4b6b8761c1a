//! An existing logger of the crate `log` still receives its records. Telemetry is installed once in
//! a process, so this is one test.

use std::sync::Mutex;

use log::{LevelFilter, Log, Metadata, Record};
use tests::{Lines, SpanSink};

struct Other;

static RECORDS: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl Log for Other {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        RECORDS.lock().unwrap().push(record.args().to_string());
    }

    fn flush(&self) {}
}

#[test]
fn another_logger_keeps_its_records_and_one_warning_is_logged() {
    log::set_logger(&Other).unwrap();
    log::set_max_level(LevelFilter::Trace);
    let lines = Lines::default();
    let telemetry = tests::telemetry(&SpanSink::new()).log_writer(lines.clone()).install().unwrap();
    log::trace!("theirs");
    telemetry.shutdown().unwrap();

    assert_eq!(*RECORDS.lock().unwrap(), ["theirs"]);
    let lines = lines.all();
    assert!(!lines.iter().any(|line| line.contains("theirs")), "{lines:?}");
    let warnings: Vec<_> = lines.iter().filter(|line| line.contains("has a logger")).collect();
    assert!(matches!(&warnings[..], [line] if line.contains(" WARN ")), "{lines:?}");
}
