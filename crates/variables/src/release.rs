//! Which build a program is of.

use std::fmt;

/// What a program says to `--version`; made by [`version!`](crate::version) in the program itself, so that another commit
/// compiles nothing else anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// Of the workspace.
    pub number: &'static str,
    /// The commit, where `TRIBUTARY_COMMIT` named it to the compiler.
    pub commit: Option<&'static str>,
}

/// The version of the program that calls it.
#[macro_export]
macro_rules! version {
    () => {
        $crate::Version {
            number: env!("CARGO_PKG_VERSION"),
            commit: option_env!("TRIBUTARY_COMMIT"),
        }
    };
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let commit = self.commit.filter(|commit| !commit.is_empty());
        write!(
            f,
            "{} (commit {})",
            self.number,
            commit.unwrap_or("unknown")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_names_its_commit_or_says_that_it_is_unknown() {
        let number = "0.1.0";
        let text = |commit| Version { number, commit }.to_string();
        assert_eq!(text(Some("a85ac14d0b1c")), "0.1.0 (commit a85ac14d0b1c)");
        assert_eq!(text(Some("")), "0.1.0 (commit unknown)");
        assert_eq!(text(None), "0.1.0 (commit unknown)");
    }
}
