//! The `.env` file: `NAME=value` lines, `#` comments, optional `export`, single or double quotes.

use std::collections::HashMap;
use std::io::ErrorKind;

/// Why a `.env` file was not used.
#[derive(Debug, thiserror::Error)]
pub enum DotenvError {
    /// There is no such file.
    #[error("names {path}, which does not exist")]
    Missing {
        /// The file.
        path: String,
    },
    /// It is there but cannot be read.
    #[error("names {path}, which cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A line is not an assignment. Its text is not shown: it may hold a secret.
    #[error("names {path}, whose line {line} is not NAME=value")]
    Malformed {
        /// The file.
        path: String,
        /// Counted from 1.
        line: usize,
    },
}

/// Reads the file at `path`.
pub fn read(path: &str) -> Result<HashMap<String, String>, DotenvError> {
    let text = std::fs::read_to_string(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => DotenvError::Missing {
            path: path.to_owned(),
        },
        _ => DotenvError::Unreadable {
            path: path.to_owned(),
            source,
        },
    })?;
    parse(&text).map_err(|line| DotenvError::Malformed {
        path: path.to_owned(),
        line,
    })
}

/// The assignments of the text, or the number of the first line that is not one.
pub fn parse(text: &str) -> Result<HashMap<String, String>, usize> {
    let mut values = HashMap::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = assignment(line).ok_or(index + 1)?;
        values.insert(name.to_owned(), value.to_owned());
    }
    Ok(values)
}

fn assignment(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    let valid = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(valid)).then_some(())?;
    Some((name, unquoted(value.trim())?))
}

/// The value without its quotes, or without the comment that follows an unquoted one.
fn unquoted(value: &str) -> Option<&str> {
    match value.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let (inside, rest) = value[1..].split_once(quote)?;
            let rest = rest.trim_start();
            (rest.is_empty() || rest.starts_with('#')).then_some(inside)
        }
        _ => Some(
            value
                .split_once(" #")
                .map_or(value, |(value, _)| value.trim_end()),
        ),
    }
}
