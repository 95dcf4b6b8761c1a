//! Configuration files. The first byte selects whether warnings are errors.
#![no_main]

use fuzz::secrets::is_leaked;
use libfuzzer_sys::fuzz_target;
use tracing_core_ext::fuzzing::{ConfigFile, config_file};

/// Value of every variable that a file refers to.
const VARIABLE: &str = "hunter2swordfish";

fuzz_target!(|data: &[u8]| {
    let Some((first, text)) = data.split_first() else { return };
    let Ok(text) = str::from_utf8(text) else { return };
    let is_strict = first & 1 == 1;
    let read = config_file(text, VARIABLE, is_strict);
    let ConfigFile { settings, warnings } = &read;
    assert!(!is_strict || warnings.is_empty(), "{warnings:?}");
    if is_leaked(text) {
        return;
    }
    for message in settings.as_ref().err().into_iter().chain(warnings) {
        // Messages show what the file has, and not the values of its variables.
        assert!(!is_leaked(message), "{message}");
        assert!(!message.chars().any(|char| char.is_control()), "{message:?}");
        let rest = message.strip_prefix("otel.yaml:").expect("the name of the file");
        let mut place = rest.splitn(3, ':').map(str::parse::<usize>);
        let (line, column) = (place.next(), place.next());
        if let (Some(Ok(line)), Some(Ok(column))) = (line, column) {
            let ends = text.matches(['\n', '\r']).count();
            assert!((1..=ends + 2).contains(&line), "{message}");
            assert!(column >= 1, "{message}");
        }
    }
    assert_eq!(settings.is_ok(), config_file(text, VARIABLE, is_strict).settings.is_ok());
});
