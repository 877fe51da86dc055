//! Answers as people read them.

use std::io::{IsTerminal, stderr};

use serde_json::Value;

use super::Client;

/// The widest cell of a list: an id fits.
const WIDEST: usize = 64;

/// The beginning of a text.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// A text as it is, anything else as JSON.
pub fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// The cells of a row, by their names.
pub fn cells<const N: usize>(row: &Value, names: [&str; N]) -> Vec<String> {
    let cell = |name| match &row[name] {
        Value::Null => "-".to_owned(),
        value => cut(&text(value), WIDEST),
    };
    names.into_iter().map(cell).collect()
}

/// How far something is: written over on a terminal, elsewhere a line whenever it has changed. It goes when it is dropped.
#[derive(Debug, Default)]
pub struct Line(String);

impl Line {
    /// Shows it beside what the command prints.
    pub fn show(&mut self, line: String) {
        if let Some(written) = self.change(line, stderr().is_terminal()) {
            eprint!("{written}");
        }
    }

    fn change(&mut self, line: String, terminal: bool) -> Option<String> {
        if self.0 == line {
            return None;
        }
        self.0 = line;
        Some(if terminal {
            format!("{OVER}{}", self.0)
        } else {
            format!("{}\n", self.0)
        })
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.0.is_empty() && stderr().is_terminal() {
            eprint!("{OVER}");
        }
    }
}

/// To the line's beginning, and away with what stands there (ECMA-48: CR, EL).
const OVER: &str = "\r\x1b[K";

/// Rows under headings, in columns as wide as they need.
pub fn table(headings: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let longest = cells.map(|cell| cell.chars().count()).max();
        longest
            .unwrap_or(0)
            .max(headings.get(column).map_or(0, |h| h.len()))
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let headings = headings.iter().map(|heading| (*heading).to_owned());
    for row in std::iter::once(headings.collect()).chain(rows.iter().cloned()) {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        println!("{}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

/// A page: as JSON, or its items as rows; a next page is named.
pub fn show_page(
    client: &Client,
    page: &Value,
    headings: &[&str],
    row: impl Fn(&Value) -> Vec<String>,
) {
    if client.json {
        println!("{page:#}");
        return;
    }
    let items = page["items"].as_array().map_or(&[][..], Vec::as_slice);
    let next = page["next_cursor"].as_str();
    match (items, next) {
        ([], None) => println!("nothing"),
        // A search looks at so much at once.
        ([], Some(_)) => println!("nothing so far"),
        _ => table(headings, &items.iter().map(row).collect::<Vec<_>>()),
    }
    if let Some(next) = next {
        println!("more: --cursor {next}");
    }
}

#[cfg(test)]
mod tests {
    use super::{Line, OVER};

    #[test]
    fn how_far_it_is_is_shown_when_it_changes_and_written_over_on_a_terminal() {
        for (terminal, reported) in [
            (false, ["1 of 2\n".to_owned(), "2 of 2\n".to_owned()]),
            (true, [format!("{OVER}1 of 2"), format!("{OVER}2 of 2")]),
        ] {
            let mut line = Line::default();
            let states = ["1 of 2", "1 of 2", "2 of 2", "2 of 2"];
            let written: Vec<String> = states
                .into_iter()
                .filter_map(|state| line.change(state.to_owned(), terminal))
                .collect();
            assert_eq!(written, reported);
        }
    }
}
