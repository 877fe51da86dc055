//! Replays under test: what hands change in fold tables is found, and mended by a swap.

use std::time::Duration;

use axum::http::StatusCode;
use messaging::{Domain, Tables};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use tokio::time::Instant;

use super::{PATIENCE, TestService, operator, rows};

impl TestService {
    /// Has the tables made again and waits for the end. Returns the replay as the operator's route shows it.
    pub async fn replay(&self, kind: &str) -> Value {
        self.replay_that_ends(kind, "done").await
    }

    /// The same, for one that ends so: `done` or `failed`.
    pub async fn replay_that_ends(&self, kind: &str, phase: &str) -> Value {
        let base = format!("/api/v1/operator/{}/replays", self.host.service().name());
        let body = json!({ "kind": kind, "reason": "a test" });
        let (status, begun) = self.post(&base, &operator(), &body).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{begun}");
        let path = format!("{base}/{}", begun["id"].as_str().unwrap());
        let end = Instant::now() + PATIENCE;
        loop {
            let (_, replay) = self.get(&path, &operator()).await;
            if replay["finished_at"].is_string() {
                assert_eq!(replay["phase"], phase, "{replay}");
                return replay;
            }
            assert!(Instant::now() < end, "the replay has not ended: {replay}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Changes a row of each of these tables, removes another and adds a third: a verification finds each, a swap mends
    /// them, and a second verification finds nothing.
    pub async fn assert_replay_finds_and_mends_what_hands_changed<D: Domain>(&self) {
        self.assert_replay_mends(D::TABLES).await;
    }

    async fn assert_replay_mends(&self, all: Tables) {
        let mut before = Vec::new();
        let mut touched = Vec::new();
        for table in all.folds {
            before.push(rows(self.pool(), table).await);
            let kinds = self.tamper(table, all.run_dependent).await;
            touched.extend(kinds.into_iter().map(|what| (*table, what)));
        }
        assert!(
            !touched.is_empty(),
            "there is nothing to change: the test shows nothing"
        );
        let verified = self.replay("verify").await;
        for (table, what) in touched {
            let tables = verified["report"]["tables"].as_array().unwrap();
            let report = tables
                .iter()
                .find(|report| report["table"] == table)
                .unwrap();
            let found = report["first"].as_array().unwrap();
            assert!(
                found.iter().any(|row| row["what"] == what),
                "{table} has a row {what}: {report}"
            );
        }
        let swapped = self.replay("swap").await;
        assert!(
            swapped["report"]["different"].as_i64().unwrap() > 0,
            "the swap reports what it mended"
        );
        let clean = self.replay("verify").await;
        assert_eq!(clean["report"]["different"], 0, "{clean}");
        if all.run_dependent.is_empty() {
            for (table, before) in all.folds.iter().zip(before) {
                assert_eq!(
                    rows(self.pool(), table).await,
                    before,
                    "{table} is as it was"
                );
            }
        }
    }

    /// Returns what was done: `changed`, `missing`, `unexpected`.
    async fn tamper(&self, table: &str, run_dependent: &[(&str, &str)]) -> Vec<&'static str> {
        let mut connection = PgConnection::connect(&self.database_url).await.unwrap();
        // Hands that can do anything.
        run(
            &mut connection,
            "SET session_replication_role = replica".to_owned(),
        )
        .await;
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
            .fetch_one(&mut connection)
            .await
            .unwrap();
        if count == 0 {
            return Vec::new();
        }
        let columns = columns(&mut connection, table, run_dependent).await;
        let keys: Vec<&Column> = columns.iter().filter(|column| column.key).collect();
        let plain = columns.iter().find(|column| column.plain && column.number);
        let plain = plain.or_else(|| columns.iter().find(|column| column.plain));
        let other: Vec<String> = keys.iter().map(|key| key.set()).collect();
        let mut done = Vec::new();
        if keys[0].name != "only_row" {
            run(&mut connection, format!("CREATE TEMPORARY TABLE copied AS SELECT * FROM {table} ORDER BY ctid DESC LIMIT 1")).await;
            run(
                &mut connection,
                format!("UPDATE copied SET {}", other.join(", ")),
            )
            .await;
            run(
                &mut connection,
                format!("INSERT INTO {table} SELECT * FROM copied"),
            )
            .await;
            done.push("unexpected");
        }
        if let Some(plain) = plain {
            let at = format!("(SELECT min(ctid) FROM {table})");
            run(
                &mut connection,
                format!("UPDATE {table} SET {} WHERE ctid = {at}", plain.set()),
            )
            .await;
            done.push("changed");
        }
        if count > 2 {
            let second = format!("(SELECT ctid FROM {table} ORDER BY ctid LIMIT 1)");
            run(
                &mut connection,
                format!("DELETE FROM {table} WHERE ctid = {second}"),
            )
            .await;
            done.push("missing");
        }
        connection.close().await.unwrap();
        done
    }
}

struct Column {
    name: String,
    /// It is part of what is unique.
    key: bool,
    /// A replay compares it, and it is in no key.
    plain: bool,
    number: bool,
    other: String,
}

impl Column {
    /// Another value of its type.
    fn set(&self) -> String {
        format!("{} = {}", self.name, self.other)
    }
}

/// Those that always have a value.
async fn columns(
    connection: &mut PgConnection,
    table: &str,
    run_dependent: &[(&str, &str)],
) -> Vec<Column> {
    let rows = sqlx::query(
        "SELECT a.attname::text AS name, format_type(a.atttypid, NULL) AS type,
                EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique AND a.attnum = ANY(i.indkey)) AS key
           FROM pg_attribute a
          WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull ORDER BY a.attnum",
    )
    .bind(table)
    .fetch_all(connection)
    .await
    .unwrap();
    rows.iter()
        .map(|row| {
            let (name, kind): (String, String) = (row.get("name"), row.get("type"));
            let number = matches!(kind.as_str(), "bigint" | "integer");
            let other = match kind.as_str() {
                "bigint" | "integer" => format!("{name} + 1000000"),
                "uuid" => "gen_random_uuid()".to_owned(),
                "text" => format!("{name} || 'x'"),
                _ => name.clone(),
            };
            let key: bool = row.get("key");
            Column {
                key,
                plain: !key && !run_dependent.contains(&(table, &name)),
                name,
                number,
                other,
            }
        })
        .collect()
}

async fn run(connection: &mut PgConnection, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await
        .unwrap();
}
