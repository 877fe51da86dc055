//! Variables whose values stand in files, as the services read them too.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Result, bail};

type Variables = BTreeMap<String, String>;

pub(super) use variables::file_variable as variable;

/// Before one layer is laid over another: a value above takes the place of a file below, and the reverse.
pub(super) fn give_way(lower: &mut Variables, higher: &Variables) {
    let has = |name: &str| higher.get(name).is_some_and(|value| !value.is_empty());
    for name in higher.keys().filter(|name| has(name)) {
        let by_file = name.strip_suffix("_FILE").map(str::to_owned);
        let other = by_file.unwrap_or_else(|| variable(name));
        if !has(&other)
            && let Some(value) = lower.get_mut(&other)
        {
            value.clear();
        }
    }
}

/// Puts the values that stand in files into the place of the files' names, for the variables that are known. A file is
/// found from `root`.
pub(super) fn resolve(variables: &mut Variables, root: &Path) -> Result<()> {
    let known: Vec<String> = variables.keys().cloned().collect();
    for name in known {
        let by_file = variable(&name);
        let Some(path) = variables.remove(&by_file).filter(|path| !path.is_empty()) else {
            continue;
        };
        if variables.get(&name).is_some_and(|value| !value.is_empty()) {
            bail!("{name} and {by_file} are both set: one of the two is needed");
        }
        let path = root.join(path).display().to_string();
        let text = variables::read_file(&path);
        let text = text.map_err(|what| anyhow::anyhow!("{by_file} {what}"))?;
        variables.insert(name, text);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Variables {
        let owned = pairs
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        owned.collect()
    }

    #[test]
    fn a_file_above_takes_the_place_of_a_value_below_and_the_reverse() {
        let mut lower = variables(&[("A", "1"), ("B_FILE", "/b"), ("C", "3")]);
        give_way(
            &mut lower,
            &variables(&[("A_FILE", "/a"), ("B", "2"), ("C_FILE", "")]),
        );
        assert_eq!(lower, variables(&[("A", ""), ("B_FILE", ""), ("C", "3")]));
    }

    #[test]
    fn a_file_gives_its_text_without_the_last_line_end() {
        let name = format!("xtask-files-{}", std::process::id());
        let file = std::env::temp_dir().join(&name);
        fs::write(&file, "a secret\n").unwrap();
        let mut found = variables(&[("A", ""), ("A_FILE", &name), ("OTHER_FILE", "/nowhere")]);
        resolve(&mut found, &std::env::temp_dir()).unwrap();
        assert_eq!(
            found,
            variables(&[("A", "a secret"), ("OTHER_FILE", "/nowhere")])
        );
        let mut both = variables(&[("A", "1"), ("A_FILE", &name)]);
        let error = resolve(&mut both, &std::env::temp_dir()).unwrap_err();
        assert!(error.to_string().contains("A and A_FILE are both set"));
        fs::remove_file(file).unwrap();
        let mut gone = variables(&[("A", ""), ("A_FILE", &name)]);
        assert!(resolve(&mut gone, &std::env::temp_dir()).is_err());
    }
}
