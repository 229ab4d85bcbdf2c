//! Imports run one way: no file of this crate imports another that imports it back, directly or
//! through others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Returns the modules by path (`script::step`), each with its text without tests.
fn modules() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            found.insert(name(&root, &path), code.to_owned());
        }
    }
    found
}

fn name(root: &Path, file: &Path) -> String {
    let inside: PathBuf = file.strip_prefix(root).unwrap().with_extension("");
    let parts: Vec<_> = inside.iter().map(|part| part.to_str().unwrap()).collect();
    match parts[..] {
        [.., "mod"] => parts[..parts.len() - 1].join("::"),
        _ => parts.join("::"),
    }
}

/// Returns the paths in `use` items, with groups expanded.
fn imports(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for item in code.split("\nuse ").skip(1) {
        let item = item.split(';').next().unwrap();
        let (prefix, group) = item.split_once('{').unwrap_or((item, ""));
        paths.push(prefix.to_owned());
        for part in group.trim_end_matches('}').split(',') {
            paths.push(format!("{prefix}{}", part.trim()));
        }
    }
    paths
}

/// Returns the module that a path names, seen from `from`; `None` for other crates.
fn target(modules: &BTreeMap<String, String>, from: &str, path: &str) -> Option<String> {
    let parent = from.rsplit_once("::").map_or("", |(parent, _)| parent);
    let absolute = match path.split_once("::") {
        Some(("crate", rest)) => rest.to_owned(),
        Some(("super", rest)) if parent.is_empty() => rest.to_owned(),
        Some(("super", rest)) => format!("{parent}::{rest}"),
        _ => format!("{from}::{path}"),
    };
    let mut parts: Vec<_> = absolute.split("::").collect();
    while !parts.is_empty() {
        let name = parts.join("::");
        if modules.contains_key(&name) {
            return (name != from).then_some(name);
        }
        parts.pop();
    }
    None
}

fn reaches(graph: &BTreeMap<String, BTreeSet<String>>, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut next = vec![from];
    while let Some(module) = next.pop() {
        for import in graph.get(module).into_iter().flatten() {
            if import == to {
                return true;
            }
            if seen.insert(import.as_str()) {
                next.push(import);
            }
        }
    }
    false
}

#[test]
fn no_two_files_import_each_other() {
    let modules = modules();
    assert!(
        modules.len() > 20,
        "the sources are not where they should be"
    );
    let edges = |(from, code): (&String, &String)| {
        let found = imports(code).into_iter();
        let found = found.filter_map(|path| target(&modules, from, &path));
        (from.clone(), found.collect::<BTreeSet<_>>())
    };
    let graph: BTreeMap<_, _> = modules.iter().map(edges).collect();
    assert!(graph["server::exchange"].contains("script::step"));
    let in_a_circle: Vec<_> = graph
        .keys()
        .filter(|module| reaches(&graph, module, module))
        .collect();
    assert!(in_a_circle.is_empty(), "{in_a_circle:?}");
}
