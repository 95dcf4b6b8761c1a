//! Storage of telemetry in files.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use serde::Serialize;

use crate::model::now;

/// Size at which a new file is started, in bytes.
const LONGEST_FILE: u64 = 64 << 20;
/// Maximum number of files. The oldest is removed.
const MOST_FILES: usize = 16;

/// Folder to which requests are appended in OpenTelemetry's file format: one request per line, in
/// the JSON encoding of OTLP. It has at most 16 files of 64 MiB.
#[derive(Clone, Debug)]
pub struct Archive(Arc<Mutex<Writer>>);

#[derive(Debug)]
struct Writer {
    folder: PathBuf,
    current: Option<(File, u64)>,
    /// Whether the last write failed. Only the first failure in a row is reported.
    failed: bool,
}

impl Archive {
    /// Opens the folder, and creates it if it is absent. Calls the function with each line of its
    /// files, oldest first. Returns the archive and the number of requests that were read.
    ///
    /// # Errors
    ///
    /// If the folder or a file cannot be read.
    pub fn open(
        folder: &Path,
        read: impl Fn(&[u8]) -> Result<usize, String>,
    ) -> io::Result<(Self, usize)> {
        fs::create_dir_all(folder)?;
        let mut count = 0;
        for file in files(folder)? {
            count += load(&file, &read)?;
        }
        let writer = Writer { folder: folder.to_owned(), current: None, failed: false };
        Ok((Self(Arc::new(Mutex::new(writer))), count))
    }

    /// Appends a request.
    pub(super) fn append(&self, request: &impl Serialize) {
        let Ok(mut line) = serde_json::to_vec(request) else { return };
        line.push(b'\n');
        let mut writer = self.0.lock().unwrap_or_else(|error| error.into_inner());
        let result = writer.write(&line);
        if let (Err(error), false) = (&result, writer.failed) {
            eprintln!("panel: {}: {error}; telemetry is in memory only", writer.folder.display());
        }
        writer.failed = result.is_err();
    }
}

impl Writer {
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let is_full = |(_, length): &(File, u64)| *length + line.len() as u64 > LONGEST_FILE;
        if self.current.as_ref().is_none_or(is_full) {
            self.current = Some((self.next_file()?, 0));
        }
        if let Some((file, length)) = &mut self.current {
            file.write_all(line)?;
            *length += line.len() as u64;
        }
        Ok(())
    }

    fn next_file(&self) -> io::Result<File> {
        let files = files(&self.folder)?;
        let excess = (files.len() + 1).saturating_sub(MOST_FILES);
        for oldest in files.iter().take(excess) {
            fs::remove_file(oldest)?;
        }
        let name = format!("telemetry-{:020}.jsonl", now());
        OpenOptions::new().append(true).create(true).open(self.folder.join(name))
    }
}

/// Returns the files of the archive, oldest first.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let is_ours = |name: &str| name.starts_with("telemetry-") && name.ends_with(".jsonl");
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(is_ours) {
            files.push(entry.path());
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// Reads a file. A process that was terminated while it wrote a line leaves an incomplete request,
/// which is reported.
fn load(file: &Path, read: &impl Fn(&[u8]) -> Result<usize, String>) -> io::Result<usize> {
    let mut count = 0;
    for (number, line) in fs::read(file)?.split(|byte| *byte == b'\n').enumerate() {
        match read(line) {
            Ok(requests) => count += requests,
            Err(error) => eprintln!("panel: {}, line {}: {error}", file.display(), number + 1),
        }
    }
    Ok(count)
}
