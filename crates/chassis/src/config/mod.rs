//! Configuration from the environment, with every problem reported at once.
//!
//! Precedence: the process's environment, then the `.env` file, then the default in the code. In place of any variable `X`,
//! `X_FILE` may name a file that holds its value: secrets are better kept there than in an environment.

mod errors;
mod profile;

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use secrecy::SecretString;

pub use errors::{ConfigErrors, ConfigProblem};
pub use profile::Profile;
pub use variables::{DotenvError, is_loopback, read_file};

/// Names the file that is read instead of `.env` in the working directory.
const FILE_VARIABLE: &str = "TRIBUTARY_ENV_FILE";

/// The variables of one process and what was found wrong with them.
///
/// Each reader returns a value at once so that reading goes on after a problem; [`Env::finish`]
/// then says whether those values may be used.
#[derive(Default)]
pub struct Env {
    values: HashMap<String, String>,
    problems: Vec<ConfigProblem>,
}

impl Env {
    /// The process's environment over `.env` (or the file that `TRIBUTARY_ENV_FILE` names).
    /// A file that cannot be read is a problem only when it was named.
    pub fn from_process() -> Self {
        let text = |(name, value): (OsString, OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self::over_file(std::env::vars_os().filter_map(text).collect())
    }

    fn over_file(process: HashMap<String, String>) -> Self {
        let named = process.get(FILE_VARIABLE).filter(|name| !name.is_empty());
        let path = named.map_or(".env", String::as_str);
        let file = variables::read(path);
        let (mut values, problem) = match file {
            Ok(values) => (values, None),
            Err(DotenvError::Missing { .. }) if named.is_none() => (HashMap::new(), None),
            Err(error) => (HashMap::new(), Some(error)),
        };
        let in_file = variables::unknown(values.keys().map(String::as_str));
        let given = process.keys().chain(values.keys());
        let in_process = variables::former(given.map(String::as_str));
        let in_process = in_process
            .into_iter()
            .filter(|it| process.contains_key(&it.name));
        let place = format!("stands in {path} and ");
        let unread = in_file.into_iter().map(|it| (place.as_str(), it));
        let unread = unread.chain(in_process.map(|it| ("", it)));
        let problems = unread
            .map(|(place, unknown)| ConfigProblem {
                what: format!("{place}{}", unknown.what()),
                name: unknown.name,
                example: String::new(),
            })
            .collect();
        variables::overlay(&mut values, process);
        let mut env = Self::from_map(values);
        env.problems = problems;
        if let Some(error) = problem {
            env.report(
                FILE_VARIABLE,
                error.to_string(),
                "/etc/tributary/tracking.env",
            );
        }
        env
    }

    /// Exactly these variables, for tests.
    pub fn from_map<K: Into<String>, V: Into<String>>(
        values: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let values = values
            .into_iter()
            .map(|(k, v)| (k.into(), v.into()))
            .collect();
        Self {
            values,
            problems: Vec::new(),
        }
    }

    /// The text of a variable, or of the file that `<name>_FILE` names; an empty one counts as absent. A file that cannot
    /// be used is a problem, and so are a value and a file at once.
    pub fn text(&mut self, name: &str) -> Option<String> {
        match self.find(name) {
            Found::Text(text) => Some(text),
            Found::Nothing | Found::Problem => None,
        }
    }

    /// The file that [`Env::text`] reads the variable from, for who reads it again later.
    pub fn file_of(&self, name: &str) -> Option<PathBuf> {
        self.given(&variables::file_variable(name))
            .map(PathBuf::from)
    }

    /// Whether there is a value or a file for it, be it usable or not.
    pub fn is_given(&self, name: &str) -> bool {
        self.given(name).is_some() || self.file_of(name).is_some()
    }

    fn given(&self, name: &str) -> Option<&str> {
        let text = self.values.get(name)?.as_str();
        (!text.is_empty()).then_some(text)
    }

    fn find(&mut self, name: &str) -> Found {
        let by_file = variables::file_variable(name);
        let read = match (self.given(name), self.given(&by_file)) {
            (None, None) => return Found::Nothing,
            (Some(text), None) => return Found::Text(text.to_owned()),
            (Some(_), Some(_)) => Err(format!("is set beside {name}: one of the two is needed")),
            (None, Some(path)) => variables::read_file(path),
        };
        match read {
            Ok(text) => Found::Text(text),
            Err(what) => {
                let example = format!("/run/secrets/{}", name.to_lowercase());
                self.report(&by_file, what, &example);
                Found::Problem
            }
        }
    }

    /// A variable that must be there. `example` is shown when it is absent or wrong; it is parsed
    /// and returned as a stand-in, so that reading goes on, and [`Env::finish`] then fails.
    ///
    /// # Panics
    /// When the example itself does not parse: a mistake in the code, found by its first test.
    #[expect(
        clippy::expect_used,
        reason = "an example that does not parse is a bug, found at start-up"
    )]
    pub fn required<T>(&mut self, name: &str, example: &str) -> T
    where
        T: FromStr,
        T::Err: Display,
    {
        match self.find(name) {
            Found::Text(text) => {
                if let Some(value) = self.parsed(name, &text, example) {
                    return value;
                }
            }
            Found::Nothing => self.report(name, "is not set", example),
            Found::Problem => {}
        }
        example
            .parse()
            .ok()
            .expect("the example of a variable parses")
    }

    /// A variable that has a default.
    pub fn or<T>(&mut self, name: &str, default: T) -> T
    where
        T: FromStr + Display,
        T::Err: Display,
    {
        let example = default.to_string();
        self.optional(name, &example).unwrap_or(default)
    }

    /// A number that has a default and is within these, both ends included.
    pub fn within<T>(&mut self, name: &str, default: T, range: RangeInclusive<T>) -> T
    where
        T: FromStr + Display + PartialOrd + Copy,
        T::Err: Display,
    {
        let given = self.or(name, default);
        if !range.contains(&given) {
            let what = format!("must be from {} to {}", range.start(), range.end());
            self.report(name, what, &default.to_string());
        }
        given
    }

    /// A variable that may be absent.
    pub fn optional<T>(&mut self, name: &str, example: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let text = self.text(name)?;
        self.parsed(name, &text, example)
    }

    fn parsed<T>(&mut self, name: &str, text: &str, example: &str) -> Option<T>
    where
        T: FromStr,
        T::Err: Display,
    {
        let parsed = text.trim().parse();
        parsed
            .map_err(|error: T::Err| {
                self.report(name, format!("is malformed: {error}"), example);
            })
            .ok()
    }

    /// A secret of at least `min_bytes`. Neither its text nor its length appears in a problem.
    pub fn secret(&mut self, name: &str, min_bytes: usize) -> SecretString {
        let secret = self.optional_secret(name, min_bytes);
        if !self.is_given(name) {
            self.report(name, "is not set", &secret_example(min_bytes));
        }
        secret.unwrap_or_default()
    }

    /// A secret that may be absent.
    pub fn optional_secret(&mut self, name: &str, min_bytes: usize) -> Option<SecretString> {
        let text = self.text(name)?;
        if text.len() < min_bytes {
            let what = format!("is too short: at least {min_bytes} bytes are needed");
            self.report(name, what, &secret_example(min_bytes));
            return None;
        }
        self.refuse_guessable(name, [text.as_str()], min_bytes);
        Some(SecretString::from(text))
    }

    /// Up to three secrets of at least `min_bytes` each, one a line: whatever is a secret alone is one among others.
    pub fn secrets(&mut self, name: &str, min_bytes: usize) -> Vec<SecretString> {
        const MAX_SECRETS: usize = 3;
        let text = self.text(name).unwrap_or_default();
        let secrets: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        let example = secret_example(min_bytes);
        if secrets.iter().any(|secret| secret.len() < min_bytes) {
            let what =
                format!("holds one that is too short: at least {min_bytes} bytes are needed");
            self.report(name, what, &example);
        }
        self.refuse_guessable(name, secrets.iter().copied(), min_bytes);
        if secrets.len() > MAX_SECRETS {
            self.report(name, format!("holds more than {MAX_SECRETS}"), &example);
        }
        secrets.into_iter().map(SecretString::from).collect()
    }

    /// Anywhere but on a developer's machine.
    fn refuse_guessable<'a>(
        &mut self,
        name: &str,
        secrets: impl IntoIterator<Item = &'a str>,
        min_bytes: usize,
    ) {
        let is_key = min_bytes >= KEY_BYTES;
        let guessable = secrets.into_iter().find_map(variables::guessable);
        if let Some(what) = guessable.filter(|_| is_key && !Profile::read(self).is_local()) {
            self.report(name, what, &secret_example(min_bytes));
        }
    }

    /// Adds a problem that only the caller can see, such as two variables that exclude each other.
    pub fn report(&mut self, name: &str, what: impl Into<String>, example: &str) {
        let problem = ConfigProblem {
            name: name.to_owned(),
            what: what.into(),
            example: example.to_owned(),
        };
        // A variable that two readers read has its problem once.
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// Every problem met so far, or none.
    pub fn finish(self) -> Result<(), ConfigErrors> {
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(ConfigErrors(self.problems))
        }
    }
}

/// What is found of a variable.
enum Found {
    Text(String),
    Nothing,
    /// Something that cannot be used, and is reported.
    Problem,
}

/// What is as long is a key; passwords of others are theirs to choose.
const KEY_BYTES: usize = 32;

fn secret_example(min_bytes: usize) -> String {
    format!("the output of: openssl rand -hex {}", min_bytes.max(16))
}

#[cfg(test)]
mod tests;
