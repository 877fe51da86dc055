//! Copies of a stack's databases, each with one thing broken.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use uuid::Uuid;

use invariants::Records;
use schemas::Service;

use super::broken::Breakage;

/// A copy of each database that nobody ever connects to, as the server demands of what it copies from: the checks side
/// by side are connected to the originals.
#[derive(Clone)]
pub(super) struct Templates(BTreeMap<Service, String>);

impl Templates {
    /// Of the databases of `records`, which nobody may be connected to.
    pub(super) async fn of(records: &Records) -> Self {
        let mut templates = BTreeMap::new();
        for (service, url) in &records.databases {
            let (_, original) = url.rsplit_once('/').unwrap();
            templates.insert(*service, copied(records, original).await);
        }
        Self(templates)
    }

    /// The records with one database exchanged for a broken copy, which goes with the server.
    pub(super) async fn with(
        &self,
        records: &Records,
        service: Service,
        breakage: &Breakage,
    ) -> Records {
        let name = copied(records, &self.0[&service]).await;
        let mut records = records.clone();
        // As the superuser: the copy belongs to nobody's service.
        let (server, _) = records.scratch_url.rsplit_once('/').unwrap();
        let url = format!("{server}/{name}");
        let mut copy = PgConnection::connect(&url).await.unwrap();
        breakage.apply(&mut copy).await;
        copy.close().await.unwrap();
        records.databases.insert(service, url);
        records
    }
}

/// The name of a new copy of the database `original`.
async fn copied(records: &Records, original: &str) -> String {
    let name = format!("copy_{}", Uuid::now_v7().simple());
    let make = format!("CREATE DATABASE {name} TEMPLATE {original}");
    let mut server = PgConnection::connect(&records.scratch_url).await.unwrap();
    server.execute(AssertSqlSafe(make)).await.unwrap();
    server.close().await.unwrap();
    name
}
