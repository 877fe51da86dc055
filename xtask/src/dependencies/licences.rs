//! Licences: an SPDX expression is fine when what is listed satisfies it.

use super::Package;

/// Licences under which the whole may be given on with no more than their notices.
const LISTED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates that may not be given on as they are.
pub(super) fn problems(packages: &[Package]) -> Vec<String> {
    let refused = packages.iter().filter_map(|package| {
        let Package { name, version, .. } = package;
        match &package.licence {
            None => Some(format!("{name} {version} names no licence")),
            Some(licence) if !is_fine(licence) => {
                Some(format!("{name} {version} is under {licence}"))
            }
            Some(_) => None,
        }
    });
    refused.collect()
}

/// Whether listed licences satisfy an expression of `OR`, `AND`, `WITH` and parentheses; `/` is an old way to write `OR`.
/// What is no such expression is not fine.
fn is_fine(expression: &str) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    any(&mut rest) == Some(true) && rest.is_empty()
}

fn any(words: &mut &[&str]) -> Option<bool> {
    let mut fine = all(words)?;
    while let [first, rest @ ..] = *words
        && *first == "OR"
    {
        *words = rest;
        fine |= all(words)?;
    }
    Some(fine)
}

fn all(words: &mut &[&str]) -> Option<bool> {
    let mut fine = one(words)?;
    while let [first, rest @ ..] = *words
        && *first == "AND"
    {
        *words = rest;
        fine &= one(words)?;
    }
    Some(fine)
}

fn one(words: &mut &[&str]) -> Option<bool> {
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let fine = any(words)?;
            *words = words.strip_prefix(&[")"])?;
            Some(fine)
        }
        [licence, "WITH", exception, rest @ ..] => {
            *words = rest;
            Some(LISTED.contains(&format!("{licence} WITH {exception}").as_str()))
        }
        [licence, rest @ ..] if !["OR", "AND", "WITH", ")"].contains(licence) => {
            *words = rest;
            Some(LISTED.contains(licence))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::is_fine;

    #[test]
    fn an_expression_is_fine_when_listed_licences_satisfy_it() {
        for fine in [
            "MIT",
            "MIT/Apache-2.0",
            "LGPL-3.0 OR MIT",
            "(MIT OR GPL-3.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
        ] {
            assert!(is_fine(fine), "{fine}");
        }
        for refused in [
            "LGPL-3.0",
            "LGPL-3.0-only OR AGPL-3.0",
            "MIT AND GPL-3.0",
            "MIT AND (LGPL-2.1 OR SSPL-1.0)",
            "GPL-2.0 WITH Classpath-exception-2.0",
            "MIT OR",
            "(MIT",
            "MIT MIT",
            "",
        ] {
            assert!(!is_fine(refused), "{refused}");
        }
    }
}
