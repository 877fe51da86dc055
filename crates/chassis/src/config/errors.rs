//! What was wrong with the configuration, all of it.

use std::fmt;

/// One variable that cannot be used as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    /// The variable.
    pub name: String,
    /// What is wrong with it; never its value when it is a secret.
    pub what: String,
    /// A value that would do; empty where a value is not what is wrong.
    pub example: String,
}

/// Every problem of a configuration. Its text is one line a problem, ready to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigProblem>);

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        write!(f, "the configuration has {count} {noun}:")?;
        for ConfigProblem {
            name,
            what,
            example,
        } in &self.0
        {
            write!(f, "\n  {name} {what}")?;
            if !example.is_empty() {
                write!(f, "; for example {name}={example}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}
