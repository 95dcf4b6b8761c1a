//! Model checks of threads that use names for the first time.

use std::sync::Arc;

use loom::thread::{self, JoinHandle};

use super::Interner;
use crate::base::sync::check;

fn using(interner: &Arc<Interner>, name: &'static str) -> JoinHandle<Option<&'static str>> {
    let interner = Arc::clone(interner);
    thread::spawn(move || interner.get_or_insert(name.to_owned()))
}

#[test]
fn a_name_that_two_threads_use_at_once_is_stored_once() {
    check(|| {
        let interner = Arc::new(Interner::new(1, ""));
        let threads = [using(&interner, "GET /a"), using(&interner, "GET /a")];
        let [one, other] = threads.map(|thread| thread.join().unwrap().unwrap().as_ptr());
        assert_eq!(one, other);
    });
}

#[test]
fn of_two_names_at_once_one_gets_the_last_place_for_good() {
    check(|| {
        let interner = Arc::new(Interner::new(1, ""));
        let threads = [using(&interner, "GET /a"), using(&interner, "GET /b")];
        let found = threads.map(|thread| thread.join().unwrap());
        assert_eq!(found.iter().flatten().count(), 1, "{found:?}");
        let again = ["GET /a", "GET /b"].map(|name| interner.get_or_insert(name.to_owned()));
        assert_eq!(again, found);
    });
}
