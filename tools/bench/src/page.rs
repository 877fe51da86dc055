//! `docs/benchmark.md`: each benchmark writes its own section and leaves the others as they are.

use std::fs;

use anyhow::Result;

use devstack::layout::Layout;

/// Prints a section and puts it in the page in place of the one with its heading, else behind all others. One without a
/// `##` heading is the page's beginning.
pub fn write(layout: &Layout, section: &str) -> Result<()> {
    println!("{section}");
    let path = layout.root.join("docs/benchmark.md");
    let page = fs::read_to_string(&path).unwrap_or_default();
    fs::write(path, replaced(&page, section))?;
    Ok(())
}

fn heading(section: &str) -> &str {
    let first = section.lines().next().unwrap_or_default();
    first.strip_prefix("## ").unwrap_or_default()
}

fn replaced(page: &str, section: &str) -> String {
    let mut sections: Vec<&str> = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find("\n## ") {
        sections.push(&rest[..=at]);
        rest = &rest[at + 1..];
    }
    sections.push(rest);
    match sections.iter_mut().find(|s| heading(s) == heading(section)) {
        Some(old) => *old = section,
        None => sections.push(section),
    }
    let trimmed: Vec<&str> = sections.iter().map(|section| section.trim_end()).collect();
    trimmed.join("\n\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_takes_the_place_of_its_older_self_and_of_nothing_else() {
        let page = "# Page\n\none\n\n## B\n\ntwo\n\n## C\n\nthree\n";
        let b = replaced(page, "## B\n\nnew\n");
        assert_eq!(b, "# Page\n\none\n\n## B\n\nnew\n\n## C\n\nthree\n");
        let first = replaced(page, "# Page\n\nnew\n");
        assert_eq!(first, "# Page\n\nnew\n\n## B\n\ntwo\n\n## C\n\nthree\n");
        let last = replaced(page, "## D\n\nfour\n");
        assert_eq!(last, format!("{page}\n## D\n\nfour\n"));
    }
}
