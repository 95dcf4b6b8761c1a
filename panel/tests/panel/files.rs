//! Import, export, and the archive.

use std::{
    env, fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use prost::Message;
use tracing_panel::{
    Panel,
    otlp::{Archive, add_json},
};

use crate::telemetry::{Running, TRACE, failed_span, logs, traces};

/// Folder that is removed when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(env::temp_dir().join(format!("tracing-panel-{}-{number}", std::process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn import(panel: &Running, body: String) -> (u16, String) {
    let request = reqwest::Client::new().post(format!("{}/import", panel.pages)).body(body);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn an_exported_trace_is_imported_as_it_was() {
    let panel = Running::start(Panel::new()).await;
    let headers = [("content-type", "application/x-protobuf")];
    panel.send("traces", &headers, traces(vec![failed_span()]).encode_to_vec()).await;
    let exported = panel.text(&format!("/api/traces/{TRACE}/otlp")).await;
    let other = Running::start(Panel::new()).await;
    let lines = format!("{exported}\n{}\n", serde_json::to_string(&logs("sold out")).unwrap());
    assert_eq!(import(&other, lines).await, (200, "2 requests imported\n".to_owned()));
    assert_eq!(other.text(&format!("/api/traces/{TRACE}/otlp")).await, exported);
    assert!(other.text(&format!("/traces/{TRACE}")).await.contains("sold out"));
}

#[tokio::test]
async fn a_file_that_is_no_telemetry_is_refused() {
    let panel = Running::start(Panel::new()).await;
    for body in ["{}", "[1]", "no json", "{\"resourceSpans\":7}"] {
        assert_eq!(import(&panel, body.to_owned()).await.0, 400, "{body}");
    }
}

#[tokio::test]
async fn an_archive_survives_a_restart_and_half_a_line() {
    let folder = Folder::new();
    let panel = Panel::new();
    let (archive, count) = Archive::open(&folder.0, |line| add_json(panel.intake(), line)).unwrap();
    assert_eq!(count, 0);
    let running = Running::start(panel.with_archive(archive)).await;
    let headers = [("content-type", "application/x-protobuf")];
    running.send("traces", &headers, traces(vec![failed_span()]).encode_to_vec()).await;
    running.send("logs", &headers, logs("sold out").encode_to_vec()).await;
    drop(running);
    fs::write(folder.0.join("telemetry-9.jsonl"), "{\"resourceSpans\":[{\"sco").unwrap();
    fs::write(folder.0.join("other.txt"), "not of the archive").unwrap();

    let panel = Panel::new();
    let (archive, count) = Archive::open(&folder.0, |line| add_json(panel.intake(), line)).unwrap();
    assert_eq!(count, 2);
    let running = Running::start(panel.with_archive(archive)).await;
    assert!(running.text(&format!("/traces/{TRACE}")).await.contains("sold out"));
}
