//! The log's old parts as files: written, read by a stock reader, verified, dropped, and read as if they were live.

use std::path::{Path, PathBuf};
use std::time::Duration;

use messaging::archive::{ArchiveError, Part};
use messaging::log::{self, LogRow};
use messaging::{Lookups, WriteTx};
use operations::archive::{self, Held};
use operations::fencing;
use runtime::testing::until;
use schemas::Topic;
use uuid::Uuid;

use crate::lab::{FACTS, Lab};
use crate::restores::fact;

/// Positions of a partition in these tests.
const PARTITION: i64 = 100;

/// A log with so many facts in partitions of a hundred positions, and a folder for its archive.
pub async fn long_log(count: i64) -> (Lab, PathBuf) {
    let lab = Lab::new().await;
    sqlx::query("UPDATE pipeline.log_head SET partition_positions = $1")
        .bind(PARTITION)
        .execute(&lab.pool)
        .await
        .unwrap();
    let folder = std::env::temp_dir().join(format!("tributary-archive-{}", Uuid::now_v7()));
    archive::open(&lab.pool, &folder).await.unwrap();
    append(&lab, count).await;
    (lab, folder)
}

pub async fn append(lab: &Lab, count: i64) {
    let mut left = count;
    while left > 0 {
        let mut tx = begin(lab).await;
        for _ in 0..left.min(73) {
            tx.append(fact()).unwrap();
        }
        tx.commit().await.unwrap();
        left -= 73;
    }
}

#[tokio::test]
async fn whoever_reads_the_log_for_long_keeps_nobody_from_making_its_next_part() {
    let (lab, _) = long_log(40).await;
    let mut backup = messaging::begin(&lab.pool, "BEGIN READ ONLY")
        .await
        .unwrap();
    let read: i64 = sqlx::query_scalar("SELECT count(*) FROM pipeline.message_log")
        .fetch_one(&mut *backup)
        .await
        .unwrap();
    sqlx::query("SELECT set_config('tributary.read', $1, true)")
        .bind(read.to_string())
        .execute(&mut *backup)
        .await
        .unwrap();
    // Into the third part: those up to the second are there from the beginning.
    for _ in 0..4 {
        let mut tx = begin(&lab).await;
        for _ in 0..73 {
            tx.append(fact()).unwrap();
        }
        tokio::time::timeout(Duration::from_secs(20), tx.commit())
            .await
            .unwrap()
            .unwrap();
    }
    backup.rollback().await.unwrap();
    let parts: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_inherits WHERE inhparent = 'pipeline.message_log'::regclass",
    )
    .fetch_one(&lab.pool)
    .await
    .unwrap();
    assert!(parts >= 4, "{parts}");
}

#[tokio::test]
async fn a_part_that_is_made_with_rows_in_it_is_made_while_nobody_reads() {
    let lab = Lab::new().await;
    let append = async || {
        let mut tx = begin(&lab).await;
        tx.append(fact()).unwrap();
        tx.commit().await
    };
    let mut reading = messaging::begin(&lab.pool, "BEGIN READ ONLY")
        .await
        .unwrap();
    // Planned without the part, it would find none of its rows and a head behind them.
    sqlx::query("SELECT FROM pipeline.message_log")
        .execute(&mut *reading)
        .await
        .unwrap();
    let refused = append().await.unwrap_err();
    let code = refused
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    assert_eq!(code.as_deref(), Some("55P03"), "lock_not_available");
    reading.rollback().await.unwrap();
    append().await.unwrap();
}

async fn begin(lab: &Lab) -> WriteTx {
    WriteTx::begin(&lab.pool, &lab.writer, Lookups::default())
        .await
        .unwrap()
}

pub async fn archive_all(lab: &Lab) -> Vec<Part> {
    let mut parts = Vec::new();
    let run = async || archive::run(&lab.pool, &lab.writer.schema_ids, "payment").await;
    while let Some(part) = run().await.unwrap() {
        parts.push(part);
    }
    parts
}

pub async fn verify_all(lab: &Lab) {
    for part in archive::list(&lab.pool).await.unwrap() {
        archive::verify(&lab.pool, part.from_position)
            .await
            .unwrap();
    }
}

async fn everything(lab: &Lab) -> Vec<LogRow> {
    let (mut rows, mut at) = (Vec::new(), 0);
    loop {
        let next = log::all_after(&lab.pool, at, 37).await.unwrap();
        let Some(last) = next.last() else { return rows };
        at = last.position;
        rows.extend(next);
    }
}

pub async fn drop_below(lab: &Lab, floor: i64) -> Result<i64, ArchiveError> {
    archive::read_back(&lab.pool, floor).await?;
    let mut tx = begin(lab).await;
    let end = archive::drop_below(&mut tx, floor).await?;
    tx.commit().await?;
    Ok(end)
}

#[tokio::test]
async fn an_archiving_that_is_given_up_leaves_nothing_behind() {
    let (lab, folder) = long_log(450).await;
    for moment in (0..200).map(|it| Duration::from_micros(it * 250)) {
        let archiving = archive::run(&lab.pool, &lab.writer.schema_ids, "payment");
        let _given_up = tokio::time::timeout(moment, archiving).await;
    }
    archive_all(&lab).await;
    let left = || {
        let files = std::fs::read_dir(&folder).unwrap();
        let names = files.map(|it| it.unwrap().file_name().into_string().unwrap());
        names.filter(|it| it.starts_with('.')).count()
    };
    until("nothing is left", || async { left() == 0 }).await;
    verify_all(&lab).await;
}

#[tokio::test]
async fn what_is_archived_and_dropped_reads_as_if_it_were_live() {
    let (lab, folder) = long_log(450).await;
    let live = everything(&lab).await;
    let parts = archive_all(&lab).await;
    let ranges: Vec<_> = parts
        .iter()
        .map(|part| (part.from_position, part.to_position))
        .collect();
    assert_eq!(ranges, [(1, 99), (100, 199), (200, 299), (300, 399)]);
    assert!(archive_all(&lab).await.is_empty(), "the rest is not closed");
    verify_all(&lab).await;

    assert_eq!(drop_below(&lab, 250).await.unwrap(), 199);
    let left: i64 = sqlx::query_scalar("SELECT min(position) FROM pipeline.message_log")
        .fetch_one(&lab.pool)
        .await
        .unwrap();
    assert_eq!(left, 200);
    assert_eq!(everything(&lab).await, live);
    let stream = log::stream_after(&lab.pool, FACTS, 0, 150, 100)
        .await
        .unwrap();
    assert_eq!(stream, live[150..199]);
    let across = log::next_rows(&lab.pool, 197, 5).await.unwrap();
    assert_eq!(
        across,
        live[197..202],
        "what stands on both sides of the border"
    );
    let other = log::stream_after(&lab.pool, Topic::PaymentCommands, 0, 0, 100).await;
    assert!(
        other.unwrap().is_empty(),
        "another stream has nothing there"
    );
    for sequence in [1, 42, 199, 200, 450] {
        let found = log::position_of_sequence(&lab.pool, FACTS, 0, 1, sequence).await;
        assert_eq!(found.unwrap(), sequence);
    }
    // What is dropped can still be verified: by its chain and its digest.
    verify_all(&lab).await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_stock_reader_reads_a_part_alone() {
    let (lab, folder) = long_log(250).await;
    let parts = archive_all(&lab).await;
    let live = everything(&lab).await;
    let file = std::fs::File::open(folder.join(&parts[1].file)).unwrap();
    let reader = apache_avro::Reader::new(file).unwrap();
    let metadata = reader.user_metadata();
    let text = |key: &str| String::from_utf8(metadata[key].clone()).unwrap();
    assert_eq!(text("tributary.previous_file"), parts[0].file);
    assert_eq!(text("tributary.count"), "100");
    let schemas: serde_json::Value = serde_json::from_str(&text("tributary.schemas")).unwrap();
    let mut positions = Vec::new();
    for value in reader {
        let apache_avro::types::Value::Record(fields) = value.unwrap() else {
            panic!("a record")
        };
        let field = |name: &str| &fields.iter().find(|(field, _)| field == name).unwrap().1;
        let apache_avro::types::Value::Long(position) = field("position") else {
            panic!("a position")
        };
        let apache_avro::types::Value::Bytes(body) = field("body") else {
            panic!("a body")
        };
        let apache_avro::types::Value::Int(schema) = field("schema_id") else {
            panic!("a schema")
        };
        let row = &live[usize::try_from(position - 1).unwrap()];
        assert_eq!(*body, row.body);
        // The body reads by the writer schema that the file itself has.
        let writer = schemas[schema.to_string()]["text"].as_str().unwrap();
        let writer = schemas::WriterSchema::parse(FACTS, writer).unwrap();
        let message = schemas::decode(&writer, body).unwrap();
        assert_eq!(message.header.id, row.id);
        positions.push(*position);
    }
    assert_eq!(positions, (100..200).collect::<Vec<_>>());
    std::fs::remove_dir_all(folder).unwrap();
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    let at = at % bytes.len();
    bytes[at] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_file_that_changed_is_found_and_its_rows_stay() {
    let (lab, folder) = long_log(350).await;
    let parts = archive_all(&lab).await;
    verify_all(&lab).await;
    let path = folder.join(&parts[1].file);
    for at in [5, 700, 2_000, usize::MAX / 2] {
        flip(&path, at);
        let found = archive::verify(&lab.pool, parts[1].from_position).await;
        assert!(matches!(found, Err(ArchiveError::Corrupt(_))), "{found:?}");
        assert!(drop_below(&lab, 299).await.is_err());
        flip(&path, at);
    }
    // A file whose hash was mended still has to have the table's rows, and to follow the one before.
    sqlx::query("UPDATE pipeline.message_log SET subject = 'another' WHERE position = 150")
        .execute(&lab.pool)
        .await
        .unwrap();
    assert!(archive::verify(&lab.pool, 100).await.is_err());
    assert_eq!(everything(&lab).await.len(), 350);
    archive::verify(&lab.pool, 200).await.unwrap();
    sqlx::query("UPDATE pipeline.archive SET sha256 = '\\x00' WHERE from_position = 100")
        .execute(&lab.pool)
        .await
        .unwrap();
    assert!(archive::verify(&lab.pool, 200).await.is_err());
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_file_that_changed_after_its_drop_is_never_read_as_if_it_were_true() {
    let (lab, folder) = long_log(350).await;
    let live = everything(&lab).await;
    let parts = archive_all(&lab).await;
    verify_all(&lab).await;
    assert_eq!(drop_below(&lab, 299).await.unwrap(), 299);
    let path = folder.join(&parts[1].file);
    let bytes = std::fs::read(&path).unwrap();
    // The header ends with what separates the blocks.
    let sync = &parts[1].rows_sha256[..16];
    let header = bytes.windows(16).position(|it| it == sync).unwrap() + 16;
    let apart = (bytes.len() - header) / 200;
    assert!(apart > 0, "{} bytes", bytes.len());
    let mut found = 0;
    for at in (header..bytes.len()).step_by(apart) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        std::fs::write(&path, changed).unwrap();
        match log::all_after(&lab.pool, 99, 100).await {
            Ok(rows) => assert_eq!(rows, live[99..199], "byte {at}"),
            Err(_) => found += 1,
        }
    }
    assert!(found > 0, "some are found");
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_part_whose_file_is_lost_is_written_again_from_the_table() {
    let (lab, folder) = long_log(450).await;
    let live = everything(&lab).await;
    let parts = archive_all(&lab).await;
    archive::verify(&lab.pool, 1).await.unwrap();
    assert_eq!(drop_below(&lab, 99).await.unwrap(), 99);
    std::fs::remove_file(folder.join(&parts[1].file)).unwrap();
    assert!(archive::verify(&lab.pool, 100).await.is_err());
    let again = async |position: i64| {
        let mut tx = begin(&lab).await;
        let again = archive::write_again(&mut tx, position).await?;
        tx.commit().await?;
        Ok::<_, ArchiveError>(again)
    };
    for position in [50, 400] {
        let refused = again(position).await;
        assert!(
            matches!(refused, Err(ArchiveError::Refused(_))),
            "neither in the table nor in a file: {refused:?}"
        );
    }
    assert_eq!(again(150).await.unwrap(), (100, 399));
    let written = archive_all(&lab).await;
    let names = |parts: &[Part]| parts.iter().map(|it| it.file.clone()).collect::<Vec<_>>();
    assert_eq!(names(&written), names(&parts[1..]));
    verify_all(&lab).await;
    assert_eq!(drop_below(&lab, 399).await.unwrap(), 399);
    assert_eq!(everything(&lab).await, live);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_drop_beside_somebody_who_reads_the_log_says_so() {
    let (lab, folder) = long_log(350).await;
    archive_all(&lab).await;
    verify_all(&lab).await;
    let mut backup = messaging::begin(&lab.pool, "BEGIN READ ONLY")
        .await
        .unwrap();
    sqlx::query("SELECT FROM pipeline.message_log")
        .execute(&mut *backup)
        .await
        .unwrap();
    let refused = drop_below(&lab, 299).await;
    assert!(
        matches!(&refused, Err(ArchiveError::Refused(why)) if why.contains("reads the log")),
        "{refused:?}"
    );
    backup.rollback().await.unwrap();
    assert_eq!(drop_below(&lab, 299).await.unwrap(), 299);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_part_that_is_missing_or_another_is_reported_and_never_read_over() {
    let (lab, folder) = long_log(350).await;
    let parts = archive_all(&lab).await;
    verify_all(&lab).await;
    assert_eq!(drop_below(&lab, 299).await.unwrap(), 299);
    std::fs::copy(folder.join(&parts[2].file), folder.join(&parts[1].file)).unwrap();
    let error = log::all_after(&lab.pool, 150, 10).await.unwrap_err();
    let other = "position 200 stands where 100 should";
    assert!(error.to_string().contains(other), "{error}");
    sqlx::query("DELETE FROM pipeline.archive WHERE from_position = 100")
        .execute(&lab.pool)
        .await
        .unwrap();
    let error = log::all_after(&lab.pool, 150, 10).await.unwrap_err();
    assert!(
        error.to_string().contains("position 151 is neither"),
        "{error}"
    );
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn an_epoch_begins_neither_in_what_left_the_table_nor_beyond_the_log() {
    let (lab, folder) = long_log(150).await;
    archive_all(&lab).await;
    verify_all(&lab).await;
    assert_eq!(drop_below(&lab, 99).await.unwrap(), 99);
    for (after, raised) in [(98, false), (151, false), (99, true)] {
        let mut tx = begin(&lab).await;
        let done = fencing::raise(&mut tx, &lab.pool, &lab.writer, after).await;
        assert_eq!(done.is_ok(), raised, "{after}: {done:?}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// Somebody archived it between the restore and the raise.
#[tokio::test]
async fn an_epoch_that_begins_in_the_archive_takes_back_what_the_table_still_has() {
    let (lab, folder) = long_log(350).await;
    let parts = archive_all(&lab).await;
    verify_all(&lab).await;
    assert_eq!(drop_below(&lab, 99).await.unwrap(), 99);
    let mut tx = begin(&lab).await;
    let raised = fencing::raise(&mut tx, &lab.pool, &lab.writer, 150).await;
    let raised = raised.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        (raised.restated, raised.taken_back),
        (200, Some((100, 299)))
    );
    assert_eq!(archive::list(&lab.pool).await.unwrap().len(), 1);
    let everything_now = everything(&lab).await;
    assert_eq!(everything_now[150].sequence, Some(1));

    let written = archive_all(&lab).await;
    assert_eq!(written.len(), 2);
    assert_ne!(written[0].file, parts[1].file, "it has other rows");
    verify_all(&lab).await;
    assert_eq!(drop_below(&lab, 299).await.unwrap(), 299);
    assert_eq!(everything(&lab).await, everything_now);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn what_is_not_verified_is_not_dropped() {
    let (lab, folder) = long_log(350).await;
    archive_all(&lab).await;
    archive::verify(&lab.pool, 1).await.unwrap();
    archive::verify(&lab.pool, 200).await.unwrap();
    let floor = archive::droppable(&lab.pool, Vec::new(), &[], 0)
        .await
        .unwrap();
    assert_eq!(floor.position, 99, "{floor:?}");
    let refused = drop_below(&lab, 299).await;
    assert!(
        matches!(refused, Err(ArchiveError::Refused(_))),
        "{refused:?}"
    );
    assert_eq!(everything(&lab).await.len(), 350);
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn the_lowest_follower_cursor_or_minimum_holds_the_log() {
    let (lab, folder) = long_log(450).await;
    archive_all(&lab).await;
    verify_all(&lab).await;
    let followers = |position| {
        vec![Held {
            by: "bff".to_owned(),
            position,
        }]
    };
    let floor = async |followers, topics: &'static [&'static str], keep| {
        archive::droppable(&lab.pool, followers, topics, keep)
            .await
            .unwrap()
            .position
    };
    assert_eq!(floor(followers(450), &[], 0).await, 399, "what is archived");
    assert_eq!(floor(followers(250), &[], 0).await, 250, "a follower");
    assert_eq!(floor(followers(450), &[], 300).await, 150, "a minimum");
    sqlx::query("INSERT INTO pipeline.relay_cursor VALUES ('commission-events', 0, 120, 1)")
        .execute(&lab.pool)
        .await
        .unwrap();
    assert_eq!(
        floor(followers(450), &[], 0).await,
        399,
        "a topic that goes by http"
    );
    assert_eq!(
        floor(followers(450), &["commission-events"], 0).await,
        120,
        "a relay"
    );
    std::fs::remove_dir_all(folder).unwrap();
}
