use std::{
    borrow::Cow,
    cell::RefCell,
    collections::{HashMap, HashSet},
    hash::BuildHasherDefault,
    sync::{
        LazyLock, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rustc_hash::FxHasher;

/// Routes are patterns of a router, so there are few. Past this many distinct names each one is allocated anew,
/// so that a route made from request data cannot grow memory without bound.
const MAX_INTERNED: usize = 4096;

type Names = HashMap<&'static str, Vec<&'static str>, BuildHasherDefault<FxHasher>>;

thread_local! {
    /// Span names by route, so that a warm route costs neither an allocation nor a lock.
    static LOCAL: RefCell<Names> = RefCell::default();
}

/// Every name handed out so far; asked only when a thread meets a name for the first time.
static INTERNED: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);

/// No more names are kept, so there is nothing to ask the others about.
static FULL: AtomicBool = AtomicBool::new(false);

/// The span name `{method} {route}`, and the route as a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RouteName {
    pub(crate) name: Cow<'static, str>,
    pub(crate) route: Cow<'static, str>,
}

impl RouteName {
    pub(crate) fn of(method: &'static str, route: &str) -> Self {
        match interned(method, route) {
            Some(name) => {
                Self { name: Cow::Borrowed(name), route: Cow::Borrowed(&name[method.len() + 1..]) }
            }
            None => Self {
                name: Cow::Owned(format!("{method} {route}")),
                route: Cow::Owned(route.to_owned()),
            },
        }
    }

    /// The route as a label: past the bound there is none.
    pub(crate) const fn label(&self) -> Option<&'static str> {
        match self.route {
            Cow::Borrowed(route) => Some(route),
            Cow::Owned(_) => None,
        }
    }
}

fn interned(method: &'static str, route: &str) -> Option<&'static str> {
    LOCAL.with_borrow_mut(|local| {
        if let Some(name) = local.get(route).and_then(|names| find(names, method)) {
            return Some(name);
        }
        if FULL.load(Ordering::Relaxed) {
            return None;
        }
        let mut all = INTERNED.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(name) = intern(&mut all, format!("{method} {route}")) else {
            FULL.store(true, Ordering::Relaxed);
            return None;
        };
        let route = &name[method.len() + 1..];
        local.entry(route).or_default().push(name);
        Some(name)
    })
}

/// All `names` end in the same route, so the one that begins with `method` and a space is the one.
fn find(names: &[&'static str], method: &str) -> Option<&'static str> {
    names
        .iter()
        .copied()
        .find(|name| name.as_bytes().get(method.len()) == Some(&b' ') && name.starts_with(method))
}

fn intern(all: &mut HashSet<&'static str>, name: String) -> Option<&'static str> {
    if let Some(known) = all.get(name.as_str()) {
        return Some(known);
    }
    if all.len() >= MAX_INTERNED {
        return None;
    }
    let name: &'static str = name.leak();
    all.insert(name);
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_method_and_the_route() {
        let named = RouteName::of("GET", "/items/{id}");
        assert_eq!(named.name, "GET /items/{id}");
        assert_eq!(named.route, "/items/{id}");
    }

    #[test]
    fn methods_of_one_route_do_not_mix() {
        let names = ["GET", "POST", "PUT", "GET"].map(|method| RouteName::of(method, "/same").name);
        assert_eq!(names, ["GET /same", "POST /same", "PUT /same", "GET /same"]);
    }

    #[test]
    fn a_warm_name_is_handed_out_again_on_every_thread() {
        let first = RouteName::of("GET", "/warm").name;
        let again = RouteName::of("GET", "/warm").name;
        let elsewhere = std::thread::spawn(|| RouteName::of("GET", "/warm").name);
        assert_eq!(first.as_ptr(), again.as_ptr());
        assert_eq!(first.as_ptr(), elsewhere.join().unwrap().as_ptr());
    }

    #[test]
    fn what_is_not_kept_is_no_label() {
        assert_eq!(RouteName::of("GET", "/kept").label(), Some("/kept"));
        let made = RouteName { name: "GET /7".into(), route: Cow::Owned("/7".into()) };
        assert_eq!(made.label(), None);
    }

    #[test]
    fn past_the_bound_nothing_more_is_kept() {
        let mut all = HashSet::new();
        let kept =
            (0..2 * MAX_INTERNED).filter(|n| intern(&mut all, format!("GET /{n}")).is_some());
        assert_eq!(kept.count(), MAX_INTERNED);
        assert_eq!(intern(&mut all, "GET /0".into()), Some("GET /0"));
    }
}
