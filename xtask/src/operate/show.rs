//! Answers as people read them.

use serde_json::Value;

use super::Client;

/// The beginning of a text.
pub fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}

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
    if items.is_empty() {
        println!("nothing");
        return;
    }
    table(headings, &items.iter().map(row).collect::<Vec<_>>());
    if let Some(next) = page["next_cursor"].as_str() {
        println!("more: --cursor {next}");
    }
}
