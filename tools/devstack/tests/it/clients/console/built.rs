//! What is committed as built is what the sources build, so that starting needs no Node.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use devstack::layout::Layout;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::Workplace;

/// All files together, as browsers get them.
const MAX_COMPRESSED: usize = 300_000;
/// What the console's build reads, from the clone's root.
const DOCUMENTS: [&str; 2] = ["bff/openapi.json", "crates/operations/operator.json"];
const NOT_SOURCES: [&str; 3] = ["node_modules", "dist", "api"];

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found
}

fn copy_sources(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, name) = (entry.path(), entry.file_name());
        if NOT_SOURCES.iter().any(|not| name == *not) {
            continue;
        }
        if path.is_dir() {
            copy_sources(&path, &to.join(name));
        } else {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

fn compressed(bytes: &[u8]) -> usize {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap().len()
}

#[test]
fn the_committed_console_is_small_and_what_its_sources_build() {
    let root = Layout::find().root;
    let workplace = Workplace::new("console-build");
    let folder = workplace.folder.join("console");
    copy_sources(&root.join("console"), &folder);
    for document in DOCUMENTS {
        let copy = workplace.folder.join(document);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(root.join(document), copy).unwrap();
    }
    workplace.link_packages(&folder);
    for arguments in [
        &["scripts/types.mjs"][..],
        &[
            "node_modules/svelte-check/bin/svelte-check",
            "--tsconfig",
            "./tsconfig.json",
            "--fail-on-warnings",
        ],
        &["node_modules/vite/bin/vite.js", "build"],
    ] {
        let output = Command::new(&workplace.node.program)
            .args(arguments)
            .current_dir(&folder)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let (stdout, stderr) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "{arguments:?}\n{stdout}{stderr}");
    }
    let (built, committed) = (
        files(&folder.join("dist")),
        files(&root.join("console/dist")),
    );
    let names = |of: &BTreeMap<String, Vec<u8>>| of.keys().cloned().collect::<Vec<_>>();
    let again =
        "`npm ci --ignore-scripts && npm run build` in console/ builds it, and the bff after it";
    assert_eq!(names(&built), names(&committed), "{again}");
    for (name, bytes) in &built {
        assert!(bytes == &committed[name], "{name} is another one: {again}");
    }
    let size: usize = built.values().map(|bytes| compressed(bytes)).sum();
    assert!(size <= MAX_COMPRESSED, "{size} bytes, compressed");
}

#[test]
fn the_consoles_lock_file_names_no_registry() {
    let lock = fs::read_to_string(Layout::find().root.join("console/package-lock.json")).unwrap();
    assert!(lock.contains("\"integrity\"") && !lock.contains("\"resolved\""));
}
