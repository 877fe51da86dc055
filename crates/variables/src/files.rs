//! Variables whose values stand in files: `X_FILE` names the file that holds the value of `X`.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;

/// Ends the name of a variable that names a file with the value.
const SUFFIX: &str = "_FILE";
/// A value in a file has at most so many bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// The variable that names the file with the value of this one.
pub fn variable(name: &str) -> String {
    format!("{name}{SUFFIX}")
}

/// Lays the variables of a higher layer over those of a lower: a value takes the place of a file with it, and a file that
/// of a value.
#[expect(clippy::implicit_hasher, reason = "one kind of map is enough here")]
pub fn overlay(lower: &mut HashMap<String, String>, higher: HashMap<String, String>) {
    for (name, value) in &higher {
        let other = name
            .strip_suffix(SUFFIX)
            .map_or_else(|| variable(name), str::to_owned);
        if !value.is_empty() && higher.get(&other).is_none_or(String::is_empty) {
            lower.remove(&other);
        }
    }
    lower.extend(higher);
}

/// The text in the file, at most 64 KiB of it, without its last line end. The error names the file and never shows what is in
/// it.
pub fn read(path: &str) -> Result<String, String> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("names {path}, which cannot be read: {error}"))?;
    if bytes.len() > usize::try_from(MAX_BYTES).unwrap_or(usize::MAX) {
        return Err(format!("names {path}, which has more than 64 KiB"));
    }
    let mut text = String::from_utf8(bytes)
        .map_err(|_| format!("names {path}, which is not text in UTF-8"))?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    if text.is_empty() {
        return Err(format!("names {path}, which is empty"));
    }
    Ok(text)
}
