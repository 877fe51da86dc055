//! Every file that a document links to is there.

use std::path::Path;

use devstack::layout::Layout;

use crate::tracked::tracked;

#[test]
fn every_relative_link_of_the_documents_leads_to_a_file() {
    let (root, mut broken) = (Layout::find().root, Vec::new());
    for (file, text) in tracked(&["*.md"]) {
        let folder = root.join(&file).parent().map(Path::to_owned);
        let folder = folder.unwrap_or_else(|| root.clone());
        for link in text.split("](").skip(1) {
            let target = link.split([')', '#', ' ']).next().unwrap_or_default();
            let is_elsewhere = target.contains(':') || target.starts_with('/');
            if !is_elsewhere && !target.contains('\n') && !folder.join(target).exists() {
                broken.push(format!("{file}: {target}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
