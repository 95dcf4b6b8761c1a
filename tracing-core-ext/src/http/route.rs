use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet},
    hash::BuildHasherDefault,
    sync::{
        LazyLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::LocalKey,
};

use rustc_hash::FxHasher;

use crate::base::sync::RwLock;

/// Largest number of stored names of a kind. Routes are patterns of a router, so there are few.
/// Later names are allocated for each request, so that routes with request data cannot use unlimited
/// memory.
const MAX_INTERNED: usize = 4096;

type Names = HashMap<&'static str, Vec<&'static str>, BuildHasherDefault<FxHasher>>;

/// Number of recent names that a thread compares before it looks a name up.
const RECENT: usize = 4;

thread_local! {
    static LOCAL_ROUTES: LocalNames = const { LocalNames::new() };
    static LOCAL_TEMPLATES: LocalNames = const { LocalNames::new() };
}

/// Names of a kind that a thread has used. A name in it requires neither an allocation nor a lock.
struct LocalNames {
    /// Names that were found last, and the index of the oldest one.
    recent: Cell<([&'static str; RECENT], usize)>,
    /// Span names by route.
    names: RefCell<Option<Names>>,
}

impl LocalNames {
    const fn new() -> Self {
        Self { recent: Cell::new(([""; RECENT], 0)), names: RefCell::new(None) }
    }

    #[inline]
    fn find(&self, method: &str, route: &str) -> Option<&'static str> {
        let (recent, _) = self.recent.get();
        let length = method.len() + 1 + route.len();
        let is_same =
            |name: &&str| name.len() == length && name.starts_with(method) && name.ends_with(route);
        recent.into_iter().find(is_same).or_else(|| self.look_up(method, route))
    }

    fn look_up(&self, method: &str, route: &str) -> Option<&'static str> {
        let names = self.names.borrow();
        let found = find(names.as_ref()?.get(route)?, method)?;
        let (mut recent, oldest) = self.recent.get();
        recent[oldest] = found;
        self.recent.set((recent, (oldest + 1) % RECENT));
        Some(found)
    }

    fn insert(&self, route: &'static str, name: &'static str) {
        let mut names = self.names.borrow_mut();
        names.get_or_insert_default().entry(route).or_default().push(name);
    }
}

static ROUTES: Interner = Interner::new(
    MAX_INTERNED,
    "4,096 routes name spans; later ones are no labels of metrics: \
     set_route() and websocket() expect patterns without identifiers",
);
static TEMPLATES: Interner = Interner::new(
    MAX_INTERNED,
    "4,096 URL templates name spans; later ones are no labels of metrics: \
     url_template() expects templates without identifiers",
);

/// All names of a kind. A thread reads this table when it uses a name for the first time.
struct Interner {
    limit: usize,
    names: LazyLock<RwLock<HashSet<&'static str>>>,
    has_warned: AtomicBool,
    warning: &'static str,
}

/// Span name `{method} {route}`, and the route as a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RouteName {
    pub(crate) name: Cow<'static, str>,
    pub(crate) route: Cow<'static, str>,
}

impl RouteName {
    /// Returns the name of a server span, or of a WebSocket.
    #[inline]
    pub(crate) fn of(method: &'static str, route: &str) -> Self {
        Self::new(method, route, ROUTES.interned(&LOCAL_ROUTES, method, route))
    }

    /// Returns the name of a client span. Templates of clients have a separate limit from routes of
    /// servers.
    pub(crate) fn of_template(method: &'static str, template: &str) -> Self {
        Self::new(method, template, TEMPLATES.interned(&LOCAL_TEMPLATES, method, template))
    }

    #[inline]
    fn new(method: &'static str, route: &str, interned: Option<&'static str>) -> Self {
        match interned {
            Some(name) => {
                Self { name: Cow::Borrowed(name), route: Cow::Borrowed(&name[method.len() + 1..]) }
            }
            None => Self {
                name: Cow::Owned(format!("{method} {route}")),
                route: Cow::Owned(route.to_owned()),
            },
        }
    }

    /// Returns the route as a label, if its name is stored.
    pub(crate) const fn label(&self) -> Option<&'static str> {
        match self.route {
            Cow::Borrowed(route) => Some(route),
            Cow::Owned(_) => None,
        }
    }
}

impl Interner {
    const fn new(limit: usize, warning: &'static str) -> Self {
        Self {
            limit,
            names: LazyLock::new(RwLock::default),
            has_warned: AtomicBool::new(false),
            warning,
        }
    }

    /// Returns the name, if it is stored. A name stored by one thread is available to all threads.
    #[inline]
    fn interned(
        &self,
        local: &'static LocalKey<LocalNames>,
        method: &'static str,
        route: &str,
    ) -> Option<&'static str> {
        let known = local.with(|local| local.find(method, route));
        known.or_else(|| self.intern(local, method, route))
    }

    #[cold]
    fn intern(
        &self,
        local: &'static LocalKey<LocalNames>,
        method: &'static str,
        route: &str,
    ) -> Option<&'static str> {
        let Some(name) = self.get_or_insert(format!("{method} {route}")) else {
            if !self.has_warned.swap(true, Ordering::Relaxed) {
                tracing::warn!("{}", self.warning);
            }
            return None;
        };
        let route = &name[method.len() + 1..];
        local.with(|local| local.insert(route, name));
        Some(name)
    }

    fn get_or_insert(&self, name: String) -> Option<&'static str> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = names.get(name.as_str()) {
            return Some(known);
        }
        if names.len() >= self.limit {
            return None;
        }
        drop(names);
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        insert(&mut names, self.limit, name)
    }
}

/// Returns the name that starts with `method` and a space. All `names` end in the same route.
fn find(names: &[&'static str], method: &str) -> Option<&'static str> {
    names
        .iter()
        .copied()
        .find(|name| name.as_bytes().get(method.len()) == Some(&b' ') && name.starts_with(method))
}

/// Inserts a name below the limit. Another thread may have inserted it, or reached the limit.
fn insert(all: &mut HashSet<&'static str>, limit: usize, name: String) -> Option<&'static str> {
    if let Some(known) = all.get(name.as_str()) {
        return Some(known);
    }
    if all.len() >= limit {
        return None;
    }
    let name: &'static str = name.leak();
    all.insert(name);
    Some(name)
}

#[cfg(all(test, model_checks))]
mod loom_tests;
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
    fn a_stored_name_is_shared_by_all_threads() {
        let first = RouteName::of("GET", "/warm").name;
        let again = RouteName::of("GET", "/warm").name;
        let elsewhere = std::thread::spawn(|| RouteName::of("GET", "/warm").name);
        assert_eq!(first.as_ptr(), again.as_ptr());
        assert_eq!(first.as_ptr(), elsewhere.join().unwrap().as_ptr());
    }

    #[test]
    fn a_route_that_is_not_stored_is_not_a_label() {
        assert_eq!(RouteName::of("GET", "/kept").label(), Some("/kept"));
        let made = RouteName { name: "GET /7".into(), route: Cow::Owned("/7".into()) };
        assert_eq!(made.label(), None);
    }

    #[test]
    fn beyond_the_limit_no_name_is_stored() {
        let mut all = HashSet::new();
        let kept = (0..2 * MAX_INTERNED)
            .filter(|n| insert(&mut all, MAX_INTERNED, format!("GET /{n}")).is_some());
        assert_eq!(kept.count(), MAX_INTERNED);
        assert_eq!(insert(&mut all, MAX_INTERNED, "GET /0".into()), Some("GET /0"));
    }
}
