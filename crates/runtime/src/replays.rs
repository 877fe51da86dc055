//! How a process makes its service's tables again when an operator asks for it.

use std::collections::HashMap;

use anyhow::Context;
use messaging::replay::{self, Feed, Followed, Orders, OwnLog, Sender};
use messaging::{Domain, Lock, Tasks, Writer};
use sqlx::PgPool;

use crate::database;
use crate::settings::Settings;

/// The way to the worker, and which fold it knows.
pub(crate) struct Replays {
    pub(crate) orders: Orders,
    /// Of this build.
    pub(crate) fold_version: i32,
}

/// Starts the worker. A domain folds its own log, a read model those that it follows.
pub(crate) async fn start<D: Domain + Clone>(
    domain: &D,
    (pool, bare_pool): (&PgPool, &PgPool),
    writer: &Writer,
    settings: &Settings,
    tasks: &Tasks,
) -> anyhow::Result<Replays> {
    let note = async || Ok(replay::note_fold_version(bare_pool, &D::TABLES).await?);
    let in_place = database::patiently(note).await?;
    if in_place != D::TABLES.fold_version {
        tracing::warn!(
            in_place,
            of_this_build = D::TABLES.fold_version,
            "the tables were made by another fold than this build's: make them again with ./tributary replay swap"
        );
    }
    let feed = if D::LOCK == Lock::ReadModels {
        let client = reqwest::Client::builder().no_proxy().build();
        let urls = settings.urls.iter();
        let sender = Sender {
            reader: D::SERVICE,
            urls: urls
                .map(|(name, url)| ((*name).to_owned(), url.clone()))
                .collect::<HashMap<_, _>>(),
            key: settings.internal_key.clone(),
            client: client.context("an HTTP client for replays")?,
        };
        Feed::Followed(Followed::new(sender, pool.clone()))
    } else {
        Feed::Own(OwnLog::new(pool.clone(), writer.schema_ids.clone()))
    };
    Ok(Replays {
        orders: replay::start_worker(tasks, domain.clone(), pool.clone(), writer.clone(), feed),
        fold_version: D::TABLES.fold_version,
    })
}
