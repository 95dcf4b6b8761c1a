//! Instructions of all threads, counted by callgrind: the difference of two run lengths.

use std::{env, fs, path::Path, process::Command};

use benches::installed::Installation;

use crate::{
    Result,
    service::{BATCH, Service},
};

/// Batches of the short and of the long run.
const LENGTHS: [usize; 2] = [4, 24];

/// Instructions of a request and of the export of its span.
pub(crate) fn instructions(installation: Installation) -> Result<i64> {
    let [short, long] = LENGTHS;
    let difference = total(installation, long)? - total(installation, short)?;
    Ok(difference / (BATCH * (long - short)) as i64)
}

/// Instructions of a process that sends itself so many batches.
fn total(installation: Installation, batches: usize) -> Result<i64> {
    let counts = Path::new(env!("CARGO_TARGET_TMPDIR")).join("installed.callgrind");
    let mut callgrind = Command::new("valgrind");
    callgrind
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", counts.display()))
        .arg(env::current_exe()?);
    let mut service = Service::start(installation, callgrind)?;
    service.send(batches)?;
    service.finish()?;
    let text = fs::read_to_string(&counts)?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(total.ok_or("callgrind counted nothing")?.trim().parse()?)
}
