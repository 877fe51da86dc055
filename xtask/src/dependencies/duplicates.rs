//! Crates that are built in more than one version: each costs build time and hides which one is run.

use std::collections::BTreeMap;

use super::Package;

/// Those that cannot be helped, with who holds the older one back.
pub(super) const ALLOWED: &[(&str, &str)] = &[
    (
        "base64",
        "the pulsar client, jsonwebtoken and sqlx beside our own",
    ),
    ("bit-vec", "rcgen's yasna beside proptest's"),
    ("block-buffer", "comes with digest"),
    ("cpufeatures", "comes with digest and rand"),
    ("crypto-common", "comes with digest"),
    ("digest", "comes with sha2"),
    ("getrandom", "comes with rand"),
    ("hashbrown", "sqlx beside indexmap"),
    ("heck", "the pulsar client's prost-build"),
    ("nom", "the pulsar client's beside lettre's"),
    (
        "pem",
        "of the pulsar client and jsonwebtoken beside rcgen's",
    ),
    (
        "prettyplease",
        "the pulsar client's prost-build, at build time only",
    ),
    ("prost", "the pulsar client beside OpenTelemetry's"),
    ("prost-derive", "comes with prost"),
    (
        "rand",
        "the pulsar client, proptest and sqlx each hold another",
    ),
    ("rand_chacha", "comes with rand"),
    ("rand_core", "comes with rand"),
    ("sha2", "sqlx-core beside our own"),
    (
        "syn",
        "derive macros move to 3 one by one; at build time only",
    ),
    (
        "synstructure",
        "of x509-parser, which rcgen could use and we do not build, beside the url crate's",
    ),
    ("tower-http", "reqwest's beside ours"),
    ("untrusted", "aws-lc-rs beside rustls-webpki"),
    ("zstd", "apache-avro's, in tests only"),
    ("zstd-safe", "comes with zstd"),
];

/// Crates that are there twice without a reason, and reasons for what is there once.
pub(super) fn problems(packages: &[Package], allowed: &[(&str, &str)]) -> Vec<String> {
    let mut versions: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for package in packages {
        let version = package.version.to_string();
        versions.entry(&package.name).or_default().push(version);
    }
    versions.retain(|_, versions| versions.len() > 1);
    let unexplained = versions
        .iter()
        .filter(|(name, _)| allowed.iter().all(|(known, _)| known != *name))
        .map(|(name, versions)| {
            format!("{name} is built as {}: cargo tree -d tells for whom; if it cannot be helped, say why in dependencies/duplicates.rs",
                versions.join(" and "))
        });
    let stale = allowed
        .iter()
        .filter(|(name, _)| !versions.contains_key(name))
        .map(|(name, _)| {
            format!("{name} is there once: its line in dependencies/duplicates.rs can go")
        });
    unexplained.chain(stale).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str) -> Package {
        Package {
            name: name.to_owned(),
            version: version.parse().unwrap(),
            licence: None,
        }
    }

    #[test]
    fn a_crate_that_is_there_twice_needs_a_reason_and_a_reason_a_crate() {
        let packages = [
            package("a", "1.0.0"),
            package("a", "2.0.0"),
            package("b", "1.0.0"),
        ];
        assert_eq!(
            problems(&packages, &[("a", "c holds it")]),
            Vec::<String>::new()
        );
        let [twice] = problems(&packages, &[]).try_into().unwrap();
        assert!(
            twice.starts_with("a is built as 1.0.0 and 2.0.0"),
            "{twice}"
        );
        let stale = problems(&packages[1..], &[("a", "c holds it")]);
        assert_eq!(stale.len(), 1, "{stale:?}");
    }
}
