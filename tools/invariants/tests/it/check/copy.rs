//! Copies of a stack's databases, each with one thing broken.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use uuid::Uuid;

use invariants::Records;
use schemas::Service;

use super::broken::Breakage;

/// The records with one database exchanged for a broken copy, which goes with the server. Nobody may be connected to the
/// original.
pub(super) async fn with(records: &Records, service: Service, breakage: &Breakage) -> Records {
    let mut records = records.clone();
    let url = records.databases.get_mut(&service).unwrap();
    let name = format!("broken_{}", Uuid::now_v7().simple());
    let (_, original) = url.rsplit_once('/').unwrap();
    let make = format!("CREATE DATABASE {name} TEMPLATE {original}");
    administer(&records.scratch_url, make).await;
    // As the superuser: the copy belongs to nobody's service.
    let (server, _) = records.scratch_url.rsplit_once('/').unwrap();
    *url = format!("{server}/{name}");
    let mut copy = PgConnection::connect(url).await.unwrap();
    breakage.apply(&mut copy).await;
    copy.close().await.unwrap();
    records
}

async fn administer(url: &str, sql: String) {
    let mut server = PgConnection::connect(url).await.unwrap();
    server.execute(AssertSqlSafe(sql)).await.unwrap();
    server.close().await.unwrap();
}
