//! The pictures in the console's documents: each is one that the walk takes, and is shown.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use devstack::layout::Layout;

fn folder() -> PathBuf {
    Layout::find().root.join("docs/console")
}

/// The pictures of documents, each with the walk's picture that it is, without their endings.
pub(super) fn pictures() -> BTreeMap<String, String> {
    let list = fs::read_to_string(folder().join("pictures.txt")).unwrap();
    let lines = list.lines().filter(|line| !line.starts_with('#'));
    let read = lines.map(|line| {
        let (shown, walked) = line.split_once(" <- ").unwrap();
        (shown.to_owned(), walked.to_owned())
    });
    read.collect()
}

#[test]
fn each_picture_of_the_consoles_documents_is_listed_and_shown() {
    let mut files = Vec::new();
    let mut texts = String::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        match path.extension().and_then(|it| it.to_str()) {
            Some("png") => files.push(path.file_stem().unwrap().to_str().unwrap().to_owned()),
            Some("md") => texts.push_str(&fs::read_to_string(path).unwrap()),
            _ => {}
        }
    }
    files.sort();
    let listed: Vec<String> = pictures().into_keys().collect();
    assert_eq!(files, listed);
    for name in &files {
        assert!(texts.contains(&format!("]({name}.png)")), "{name}");
    }
}
