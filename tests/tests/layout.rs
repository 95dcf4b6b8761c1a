//! The layout of `tracing-core-ext`: imports point downward, files do not import each other in a circle, and folders and
//! files are small.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use syn::{Attribute, Item, UseTree, visit::Visit};

/// Folders of the crate from the bottom up. A folder imports only from folders in its own line and
/// in lines above it.
const FLOORS: [&[&str]; 10] = [
    &["base", "http", "propagation"],
    &["semconv"],
    &["trace", "metrics", "logs"],
    &["bridge", "config"],
    &["exchange"],
    &["export", "client", "carry"],
    &["telemetry"],
    &["testing"],
    &["fuzzing"],
    &["lib", "manual"],
];

const MAX_ENTRIES: usize = 12;
const MAX_LINES: usize = 500;

/// A module as its path in the crate, such as `export::delivery::counts`.
type Module = String;

/// The code of one file, without tests.
#[derive(Default)]
struct File {
    /// Paths in the file, as written.
    paths: Vec<Vec<String>>,
    /// Names that the file re-exports, and their paths.
    re_exports: BTreeMap<String, Vec<String>>,
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tracing-core-ext/src")
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let condition = attribute.meta.require_list().map(|list| list.tokens.to_string());
        attribute.path().is_ident("cfg") && condition.is_ok_and(|it| it.contains("test"))
    })
}

fn flatten(tree: &UseTree, prefix: &[String], paths: &mut Vec<Vec<String>>) {
    let with = |name: String| [prefix, &[name]].concat();
    match tree {
        UseTree::Path(path) => flatten(&path.tree, &with(path.ident.to_string()), paths),
        UseTree::Name(name) => paths.push(with(name.ident.to_string())),
        UseTree::Rename(rename) => paths.push(with(rename.ident.to_string())),
        UseTree::Glob(_) => paths.push(prefix.to_vec()),
        UseTree::Group(group) => {
            group.items.iter().for_each(|tree| flatten(tree, prefix, paths));
        }
    }
}

impl<'ast> Visit<'ast> for File {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Mod(module) if is_test(&module.attrs) => {}
            Item::Use(import) if is_test(&import.attrs) => {}
            Item::Use(import) => {
                let mut paths = Vec::new();
                flatten(&import.tree, &[], &mut paths);
                match import.vis {
                    syn::Visibility::Inherited => self.paths.extend(paths),
                    _ => self.re_exports.extend(paths.into_iter().map(|path| (name(&path), path))),
                }
            }
            _ => syn::visit::visit_item(self, item),
        }
    }

    /// A visibility is not an import.
    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.paths.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        syn::visit::visit_path(self, path);
    }
}

fn name(path: &[String]) -> String {
    path.last().cloned().unwrap_or_default()
}

/// Returns all files except those of tests, by module.
fn files() -> BTreeMap<Module, File> {
    let mut files = BTreeMap::new();
    for path in rust_files(&source()) {
        let relative = path.strip_prefix(source()).unwrap().with_extension("");
        let segments: Vec<_> = relative.iter().map(|it| it.to_str().unwrap()).collect();
        if segments.iter().any(|it| matches!(*it, "tests" | "loom_tests")) {
            continue;
        }
        let module = segments.join("::");
        let module = module.strip_suffix("::mod").unwrap_or(&module);
        let mut file = File::default();
        file.visit_file(&syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap());
        files.insert(module.to_owned(), file);
    }
    files
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| match path.is_dir() {
        true => rust_files(&path),
        false => vec![path],
    });
    files.filter(|path| path.extension().is_some_and(|it| it == "rs")).collect()
}

/// Returns the file to which a path leads from `module`, through re-exports, or `None` if it is
/// outside of the crate.
fn resolve(files: &BTreeMap<Module, File>, module: &str, path: &[String]) -> Option<Module> {
    let mut at: Vec<&str> = match path.first()?.as_str() {
        "crate" => Vec::new(),
        "self" | "super" => module.split("::").filter(|it| *it != "lib").collect(),
        _ => return None,
    };
    let mut rest = path;
    while let Some((first, others)) = rest.split_first() {
        match first.as_str() {
            "crate" | "self" => {}
            "super" => drop(at.pop()),
            _ => break,
        }
        rest = others;
    }
    while let Some((first, others)) = rest.split_first() {
        let here = if at.is_empty() { "lib".to_owned() } else { at.join("::") };
        at.push(first);
        if !files.contains_key(&at.join("::")) {
            let re_exported = files.get(&here).and_then(|file| file.re_exports.get(first));
            return match re_exported {
                Some(path) => resolve(files, &here, path),
                None => Some(here),
            };
        }
        rest = others;
    }
    Some(at.join("::"))
}

/// Returns the files that each file imports.
fn imports(files: &BTreeMap<Module, File>) -> BTreeMap<&Module, BTreeSet<Module>> {
    let imports = files.iter().map(|(module, file)| {
        let resolved = file.paths.iter().filter_map(|path| resolve(files, module, path));
        (module, resolved.filter(|it| it != module && files.contains_key(it)).collect())
    });
    imports.collect()
}

fn floor(module: &str) -> usize {
    let folder = module.split("::").next().unwrap();
    let floor = FLOORS.iter().position(|folders| folders.contains(&folder));
    floor.unwrap_or_else(|| panic!("{folder} has no floor"))
}

#[test]
fn imports_point_downward() {
    let files = files();
    let is_upward = |from: &str, to: &str| floor(from) < floor(to);
    let imports = imports(&files);
    let all = imports.iter().flat_map(|(from, to)| to.iter().map(|to| (from.as_str(), to)));
    let upward: Vec<_> = all.filter(|(from, to)| is_upward(from, to)).collect();
    assert!(files.len() > 100, "{} files", files.len());
    assert_eq!(upward, []);
}

/// Returns the files that `from` imports, directly or indirectly.
fn reached<'a>(
    imports: &'a BTreeMap<&Module, BTreeSet<Module>>,
    from: &Module,
) -> BTreeSet<&'a Module> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&Module> = imports[from].iter().collect();
    while let Some(module) = next.pop() {
        if reached.insert(module) {
            next.extend(&imports[module]);
        }
    }
    reached
}

#[test]
fn files_do_not_import_each_other_in_a_circle() {
    let files = files();
    let imports = imports(&files);
    let reached: BTreeMap<_, _> = files.keys().map(|it| (it, reached(&imports, it))).collect();
    let circles = files.keys().map(|module| {
        let others = reached[module].iter().filter(|other| reached[**other].contains(module));
        others.copied().collect::<BTreeSet<_>>()
    });
    let circles: BTreeSet<_> = circles.filter(|circle| !circle.is_empty()).collect();
    let ties = circles.iter().map(|circle| {
        let ties = |it: &&Module| {
            (
                it.to_string(),
                imports[*it].iter().filter(|to| circle.contains(to)).cloned().collect(),
            )
        };
        circle.iter().map(ties).collect::<BTreeMap<String, Vec<Module>>>()
    });
    let ties: Vec<_> = ties.collect();
    assert!(ties.is_empty(), "{ties:#?}");
}

#[test]
fn a_folder_has_at_most_twelve_entries_and_a_file_few_lines() {
    let mut entries: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
    for path in rust_files(&source()) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= MAX_LINES, "{} has {lines} lines", path.display());
        let mut entry = path.as_path();
        while let Some(folder) = entry.parent().filter(|folder| folder.starts_with(source())) {
            // A module and the folder of its parts are one entry.
            let stem = entry.file_stem().unwrap().to_str().unwrap().to_owned();
            entries.entry(folder.to_owned()).or_default().insert(stem);
            entry = folder;
        }
    }
    for (folder, entries) in &entries {
        // The root has a line for each folder of the table above.
        let most = if *folder == source() { MAX_ENTRIES + 6 } else { MAX_ENTRIES };
        assert!(entries.len() <= most, "{} has {}: {entries:?}", folder.display(), entries.len());
    }
}
