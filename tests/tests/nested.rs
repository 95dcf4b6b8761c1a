//! A middleware below another one of this crate: one warning in the lifetime of the process.

use std::{
    io,
    sync::{Arc, Mutex},
};

use tests::{Framework, Setup, SpanSink, on_both_frameworks};

on_both_frameworks![a_second_middleware_is_warned_of_once];

async fn a_second_middleware_is_warned_of_once<F: Framework>() {
    let log = Arc::new(Log::default());
    let subscriber = tracing_subscriber::fmt().with_writer(Arc::clone(&log)).finish();
    let server =
        F::serve(Setup { subscriber: subscriber.into(), ..Setup::new(&SpanSink::new()) }).await;

    for _ in 0..3 {
        reqwest::get(server.url("/twice/7")).await.unwrap().text().await.unwrap();
    }

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let warnings: Vec<_> = log.lines().filter(|line| line.contains("WARN")).collect();
    assert_eq!(warnings.len(), 1, "{log}");
    assert!(warnings[0].contains("the outer one traces and counts it"), "{log}");
}

#[derive(Default)]
struct Log(Mutex<Vec<u8>>);

impl io::Write for &Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
