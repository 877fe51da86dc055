//! The checks, by what they look at.

mod logs;
mod rebuilt;

use anyhow::Result;

use super::scratch::Scratch;
use super::{Books, Finding, Journal, evidence, gather};

/// Gathers the books and makes every check of these rules.
pub(super) async fn all(
    scratch: &mut Scratch,
    books: &Books,
    journal: &Journal,
    only: &[u8],
) -> Result<Vec<Finding>> {
    let mut found = gather::gather(&mut scratch.connection, books, journal).await?;
    found.retain(|finding| only.contains(&finding.rule));
    let connection = &mut scratch.connection;
    for questions in [logs::QUESTIONS] {
        found.extend(evidence::ask(connection, questions, only).await?);
    }
    if only.contains(&7) {
        found.extend(rebuilt::rebuilt(scratch, books).await?);
    }
    found.sort_by_key(|finding| finding.rule);
    Ok(found)
}
