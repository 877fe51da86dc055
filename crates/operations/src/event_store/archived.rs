//! The part of the log that was dropped from the table, searched in its files.

use messaging::archive;
use messaging::log::{self, LogRow};
use sqlx::PgPool;
use uuid::Uuid;

use super::{CommandFilter, CommandRow, Filter, Way, Window, command_rows};

/// Stretches that one search reads at most: unpacking is dearer than a table's pages.
const MAX_STRETCHES: usize = 20;
/// Positions that are read together.
const STRETCH: i64 = 1_000;
/// What a service's list of commands reads, and what it reads of files.
const LIVE: &str = "pipeline.message_log l";
const PLACES: &str =
    "UNNEST($10::bigint[], $11::uuid[], $12::uuid[]) AS l(position, id, outcome_of)";

/// Up to where the table has nothing. Read after the table was searched: what was dropped since then is found twice
/// rather than not at all.
async fn dropped_to(pool: &PgPool) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT dropped_to FROM pipeline.log_head")
        .fetch_one(pool)
        .await
}

/// The rows of a window, with those that the files have; `live` is what the table has. The window that comes back is the
/// one that was searched.
pub(super) async fn join(
    pool: &PgPool,
    filter: &Filter,
    way: Way,
    window: Window,
    live: Vec<LogRow>,
    limit: usize,
) -> Result<(Vec<LogRow>, Window), sqlx::Error> {
    let dropped_to = dropped_to(pool).await?;
    if window.above >= dropped_to || (matches!(way, Way::Below(_)) && live.len() >= limit) {
        return Ok((live, window));
    }
    let live = live.into_iter().filter(|row| row.position > dropped_to);
    let files_to = window.to.min(dropped_to);
    let matching = |row: LogRow| filter.matches(&row).then_some(row);
    match way {
        Way::Above(_) => {
            let (mut rows, mut at, mut stretches) = (Vec::new(), window.above, 0);
            while at < files_to && rows.len() < limit {
                if stretches == MAX_STRETCHES {
                    return Ok((rows, Window { to: at, ..window }));
                }
                stretches += 1;
                let to = files_to.min(at + STRETCH);
                let left = limit - rows.len();
                let mut found = between(pool, at, to, left, matching).await?;
                found.truncate(left);
                rows.extend(found);
                at = to;
            }
            rows.extend(live);
            rows.truncate(limit);
            Ok((rows, window))
        }
        Way::Below(_) => {
            let (mut rows, mut at) = (live.collect::<Vec<_>>(), files_to);
            for stretch in newest_first(window.above, files_to) {
                if rows.len() >= limit {
                    break;
                }
                let found = between(pool, stretch.above, stretch.to, usize::MAX, matching).await?;
                rows.extend(found.into_iter().rev().take(limit - rows.len()));
                at = stretch.above;
            }
            Ok(searched_down_to(at, rows, window, limit))
        }
    }
}

/// The stretches between two positions, newest first; no more than one search reads.
fn newest_first(above: i64, to: i64) -> impl Iterator<Item = Window> {
    let beginnings = (0..).map(move |number| to - number * STRETCH);
    let stretch = move |to| Window {
        above: above.max(to - STRETCH),
        to,
    };
    beginnings
        .take_while(move |to| *to > above)
        .take(MAX_STRETCHES)
        .map(stretch)
}

/// What a search downwards found: with fewer than were wanted, as far down as it came.
fn searched_down_to<T>(at: i64, rows: Vec<T>, window: Window, limit: usize) -> (Vec<T>, Window) {
    let above = if rows.len() < limit { at } else { window.above };
    (rows, Window { above, ..window })
}

/// The commands of a window, newest first, with those whose place the files have.
pub(super) async fn join_commands(
    pool: &PgPool,
    commands: &'static str,
    filter: &CommandFilter,
    window: Window,
    live: Vec<CommandRow>,
    limit: usize,
) -> Result<(Vec<CommandRow>, Window), sqlx::Error> {
    let dropped_to = dropped_to(pool).await?;
    if window.above >= dropped_to || live.len() >= limit {
        return Ok((live, window));
    }
    let mut rows: Vec<_> = live
        .into_iter()
        .filter(|row| row.position > dropped_to)
        .collect();
    let files_to = window.to.min(dropped_to);
    let mut at = files_to;
    let commands = commands.replace(LIVE, PLACES);
    for stretch in newest_first(window.above, files_to) {
        if rows.len() >= limit {
            break;
        }
        let place = |row: LogRow| Some((row.position, row.id, row.outcome_of));
        let places = between(pool, stretch.above, stretch.to, usize::MAX, place).await?;
        let left = i64::try_from(limit - rows.len()).unwrap_or(0);
        rows.extend(command_rows(pool, &commands, filter, stretch, left, Some(&places)).await?);
        at = stretch.above;
    }
    Ok(searched_down_to(at, rows, window, limit))
}

/// Like [`super::caused`], for those of the commands whose place the files have; `live` is what the table has.
pub(super) async fn join_caused(
    pool: &PgPool,
    commands: &[(Uuid, i64)],
    live: Vec<(Uuid, i64, String)>,
) -> Result<Vec<(Uuid, i64, String)>, sqlx::Error> {
    let dropped_to = dropped_to(pool).await?;
    let old = |of: &Uuid| {
        commands
            .iter()
            .any(|(id, position)| id == of && *position <= dropped_to)
    };
    let mut caused: Vec<_> = live.into_iter().filter(|(id, _, _)| !old(id)).collect();
    for (id, position) in commands.iter().filter(|(id, _)| old(id)) {
        let rows = log::next_rows(pool, position - 1, log::OF_ONE_COMMAND).await?;
        let rows = rows.into_iter().filter(|row| row.causation_id == Some(*id));
        caused.extend(rows.map(|row| (*id, row.position, row.kind)));
    }
    caused.sort_by_key(|(_, position, _)| *position);
    Ok(caused)
}

/// What is picked of the rows above a position, up to and with another, oldest first, until there are enough: all of them
/// stand in files.
async fn between<T>(
    pool: &PgPool,
    above: i64,
    to: i64,
    enough: usize,
    pick: impl Fn(LogRow) -> Option<T>,
) -> Result<Vec<T>, sqlx::Error> {
    let (mut picked, mut at) = (Vec::new(), above);
    while at < to && picked.len() < enough {
        let (rows, through) = archive::read_after(pool, at, to - at, |_| true).await?;
        picked.extend(rows.into_iter().filter_map(&pick));
        at = through;
    }
    Ok(picked)
}
