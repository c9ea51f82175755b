//! Imports: the SIP layer stays below the phones, and no two rooms of a crate import each other.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{CRATES, File, Finding, check, files, production_lines};

/// What the SIP layer may import from its crate.
const BELOW_SIP: [&str; 3] = ["sip", "clock", "alarm"];

#[test]
fn the_sip_layer_imports_nothing_above_it() {
    let findings: Vec<_> = files(&["actors/src/sip"], ".rs")
        .iter()
        .flat_map(sip_imports)
        .collect();
    check("SIP layer", &findings, &[]);
}

#[test]
fn no_rooms_of_a_crate_import_each_other() {
    let findings: Vec<_> = CRATES
        .iter()
        .flat_map(|folder| circles(folder, &files(&[folder], ".rs")))
        .collect();
    check("import circles", &findings, &[]);
}

/// An item that a file names by a path of its crate: the path's segments, without `crate`.
#[derive(Debug, PartialEq)]
struct Import {
    line: usize,
    path: Vec<String>,
}

fn sip_imports(file: &File) -> Vec<Finding> {
    let source = file.path.strip_prefix("actors/src/").unwrap_or(&file.path);
    imports(source, &file.text)
        .into_iter()
        .filter(|import| !BELOW_SIP.contains(&import.path[0].as_str()))
        .map(|import| {
            let advice = format!(
                "the SIP layer imports crate::{}; pass it in, or move what is generic below crate::sip",
                import.path.join("::")
            );
            Finding::new(file, import.line, advice)
        })
        .collect()
}

/// One import for each two rooms that can reach each other.
/// A room is a folder or file directly below `folder`.
fn circles(folder: &str, files: &[File]) -> Vec<Finding> {
    let mut edges = BTreeMap::<String, BTreeSet<String>>::new();
    let mut first = BTreeMap::<(String, String), (&File, usize)>::new();
    let room_of = |file: &File| -> Option<String> {
        let path = file.path.strip_prefix(folder)?.trim_start_matches('/');
        let room = path.split('/').next()?.trim_end_matches(".rs");
        (!matches!(room, "lib" | "main")).then(|| room.to_owned())
    };
    let rooms: BTreeSet<String> = files.iter().filter_map(room_of).collect();
    let root = files
        .iter()
        .find(|file| file.path == format!("{folder}/lib.rs"));
    let exports = root.map(|root| exports(&root.text)).unwrap_or_default();
    for file in files.iter().filter(|file| !file.is_test()) {
        let Some(room) = room_of(file) else { continue };
        let source = file.path[folder.len() + 1..].to_owned();
        for import in imports(&source, &file.text) {
            let name = &import.path[0];
            let target = exports.get(name).unwrap_or(name);
            if *target != room && rooms.contains(target) {
                edges
                    .entry(room.clone())
                    .or_default()
                    .insert(target.clone());
                first
                    .entry((room.clone(), target.clone()))
                    .or_insert((file, import.line));
            }
        }
    }
    first
        .into_iter()
        .filter(|((from, to), _)| reaches(&edges, to, from))
        .map(|((from, to), (file, line))| {
            let advice = format!(
                "{from} imports {to}, which imports {from} again; move what both need below them"
            );
            Finding::new(file, line, advice)
        })
        .collect()
}

fn reaches(edges: &BTreeMap<String, BTreeSet<String>>, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(room) = open.pop() {
        if room == to {
            return true;
        }
        if seen.insert(room) {
            open.extend(edges.get(room).into_iter().flatten().map(String::as_str));
        }
    }
    false
}

/// What the root of a crate exports from its rooms: item to room.
fn exports(root: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for statement in root.split(';') {
        let Some((_, tree)) = statement.split_once("pub use ") else {
            continue;
        };
        for path in paths(tree) {
            if let [room, .., item] = &path[..] {
                found.insert(item.clone(), room.clone());
            }
        }
    }
    found
}

/// All paths of a file that start at the root of its crate: `crate::...`, and `super::...` where it reaches the root.
/// `source` is the file's path below the crate's source folder.
fn imports(source: &str, text: &str) -> Vec<Import> {
    let depth = source.matches('/').count()
        + usize::from(!source.ends_with("mod.rs") && source.contains(".rs"));
    let kept = production_lines(text);
    let code: String = kept
        .iter()
        .map(|(_, line)| format!("{}\n", line.split("//").next().unwrap_or("")))
        .collect();
    let line_of = |at: usize| kept[code[..at].matches('\n').count()].0;
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        // `$crate::` and `uacsta_crate::` start elsewhere.
        let own = !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
        if own {
            let tree = &code[at + "crate::".len()..];
            found.extend(paths(tree).into_iter().map(|path| Import {
                line: line_of(at),
                path,
            }));
        }
    }
    let mut skip = 0;
    for (at, _) in code.match_indices("super::") {
        if at < skip {
            continue;
        }
        let mut tree = &code[at..];
        let mut ups = 0;
        while let Some(rest) = tree.strip_prefix("super::") {
            (ups, tree) = (ups + 1, rest);
        }
        skip = at + ups * "super::".len();
        if ups == depth {
            found.extend(paths(tree).into_iter().map(|path| Import {
                line: line_of(at),
                path,
            }));
        }
    }
    found.retain(|import| !import.path.is_empty());
    found
}

/// The paths of a `use` tree: `a::{b, c::d}` names `a::b` and `a::c::d`. Reads up to where the tree ends.
fn paths(tree: &str) -> Vec<Vec<String>> {
    fn read(rest: &mut &str, prefix: &[String], found: &mut Vec<Vec<String>>) {
        let mut path = prefix.to_vec();
        loop {
            *rest = rest.trim_start();
            if let Some(inner) = rest.strip_prefix('{') {
                *rest = inner;
                loop {
                    *rest = rest.trim_start().trim_start_matches(',').trim_start();
                    if rest.is_empty() {
                        return;
                    }
                    if let Some(after) = rest.strip_prefix('}') {
                        *rest = after;
                        return;
                    }
                    let before = rest.len();
                    read(rest, &path, found);
                    if rest.len() == before {
                        return;
                    }
                }
            }
            let end = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_' && c != '*')
                .unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            if !name.is_empty() {
                path.push(name.to_owned());
            }
            *rest = after;
            let Some(next) = rest.strip_prefix("::") else {
                break;
            };
            *rest = next;
        }
        if let Some(alias) = rest.strip_prefix(" as ") {
            *rest = alias.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
        }
        found.push(path);
    }
    let mut found = Vec::new();
    let mut rest = tree;
    read(&mut rest, &[], &mut found);
    found
}

#[test]
fn use_trees_are_read_with_their_branches() {
    let read = |tree| {
        paths(tree)
            .into_iter()
            .map(|path| path.join("::"))
            .collect::<Vec<_>>()
    };
    assert_eq!(read("sip::dialog::Dialog;"), ["sip::dialog::Dialog"]);
    assert_eq!(
        read("{\n    clock::Clock,\n    sip::{Tag as T, uri::{Uri, Host}},\n};"),
        [
            "clock::Clock",
            "sip::Tag",
            "sip::uri::Uri",
            "sip::uri::Host"
        ]
    );
    assert_eq!(read("phone::Phone::new(x)"), ["phone::Phone::new"]);
}

#[test]
fn an_import_of_the_sip_layer_from_above_is_found() {
    let file = |path, text| sip_imports(&File::new(path, text));
    assert_eq!(
        file(
            "actors/src/sip/dialog.rs",
            "use crate::{clock::Clock, sip::Tag};\nuse super::session;"
        ),
        []
    );
    let found = file(
        "actors/src/sip/dialog.rs",
        "//! A dialog.\nuse crate::{\n    phone::Phone,\n    sip::Tag,\n};",
    );
    assert_eq!((found.len(), found[0].line), (1, 2));
    assert!(
        found[0].advice.contains("crate::phone::Phone"),
        "{}",
        found[0].advice
    );
    assert_eq!(
        file("actors/src/sip/mod.rs", "fn x() { super::phone::y() }").len(),
        1
    );
    assert_eq!(
        file("actors/src/sip/a/mod.rs", "use super::super::phone::Phone;").len(),
        1
    );
    assert_eq!(
        file("actors/src/sip/a.rs", "// use crate::phone::Phone;").len(),
        0
    );
}

#[test]
fn rooms_that_import_each_other_are_found() {
    let lib = File::new("x/src/lib.rs", "pub mod a;\npub mod b;\npub use b::Thing;");
    let a = File::new("x/src/a/mod.rs", "//! A.\nuse crate::Thing;");
    let b = File::new("x/src/b.rs", "pub struct Thing;\nuse crate::c::C;");
    let c = |text: &str| File::new("x/src/c.rs", text);
    assert_eq!(circles("x/src", &[lib, a, b, c("")]), []);

    let a = File::new("x/src/a/mod.rs", "//! A.\nuse crate::b::Thing;");
    let b = File::new("x/src/b.rs", "use crate::c::C;");
    let rooms = [a, b, c("use super::a::A;")];
    let found = circles("x/src", &rooms);
    let places: Vec<_> = found
        .iter()
        .map(|finding| (finding.path.as_str(), finding.line))
        .collect();
    assert_eq!(
        places,
        [("x/src/a/mod.rs", 2), ("x/src/b.rs", 1), ("x/src/c.rs", 1)]
    );
}
