//! The small numbers that stand for writer schemas in one database's rows.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, PoisonError, RwLock};

use schemas::{Topic, WriterSchema};
use sqlx::{PgConnection, PgPool, Row};

/// What went wrong with a stored writer schema.
#[derive(Debug, thiserror::Error)]
pub enum SchemaIdError {
    /// The database said so.
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
    /// A row of `pipeline.writer_schema` cannot be used.
    #[error("writer schema {id} of {topic} cannot be parsed: {reason}")]
    Unusable {
        /// The row.
        id: i32,
        /// Its topic.
        topic: String,
        /// What is wrong.
        reason: String,
    },
}

#[derive(Debug, Default)]
struct Known {
    by_fingerprint: HashMap<(Topic, [u8; 32]), i32>,
    by_id: HashMap<i32, Arc<WriterSchema>>,
    /// What this build cannot read: a newer one noted it, and nothing of this one's needs it until it is asked for.
    unusable: HashMap<i32, (String, String)>,
    /// The log's, when this was read: a database that was restored goes on under another one.
    epoch: Option<i64>,
}

/// Ids of writer schemas, shared by all of a process.
#[derive(Debug, Clone, Default)]
pub struct SchemaIds {
    known: Arc<RwLock<Known>>,
}

impl SchemaIds {
    /// Notes this build's schemas in the database and learns all that are there.
    pub async fn open(pool: &PgPool) -> Result<Self, SchemaIdError> {
        let ids = Self::default();
        ids.reload(&mut *pool.acquire().await?).await?;
        // Each is read before anything is locked: that takes long enough on a busy machine for the server to end a transaction over it.
        let mut new = Topic::ALL.map(WriterSchema::current).to_vec();
        new.retain(|schema| ids.known(schema).is_none());
        if !new.is_empty() {
            ids.note(pool, &[], &new).await?;
        }
        Ok(ids)
    }

    /// Learns anew what is there, and notes what this process knew under ids that the database lacks: it was restored while the process
    /// lived, and rows may have been written with them since. An id that is another schema's by now is that one's.
    pub async fn reopen(&self, pool: &PgPool) -> Result<(), SchemaIdError> {
        let current = Topic::ALL.map(WriterSchema::current);
        let known: Vec<(i32, Arc<WriterSchema>)> = {
            let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
            let by_id = known.by_id.iter();
            by_id
                .map(|(id, schema)| (*id, Arc::clone(schema)))
                .collect()
        };
        let fresh = Self::default();
        fresh.note(pool, &known, &current).await?;
        let mut fresh = fresh.known.write().unwrap_or_else(PoisonError::into_inner);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        *known = std::mem::take(&mut *fresh);
        Ok(())
    }

    /// Whether what is known was read under an older epoch than this one.
    pub(crate) fn is_of_before(&self, epoch: i64) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.epoch.is_some_and(|known| known < epoch)
    }

    /// Notes schemas, those that had an id under that one where it is free, and learns all that are there.
    async fn note(
        &self,
        pool: &PgPool,
        known: &[(i32, Arc<WriterSchema>)],
        new: &[Arc<WriterSchema>],
    ) -> Result<(), SchemaIdError> {
        let mut tx = crate::begin(pool, "BEGIN").await?;
        sqlx::query("LOCK TABLE pipeline.writer_schema IN EXCLUSIVE MODE")
            .execute(&mut *tx)
            .await?;
        for (id, schema) in known {
            sqlx::query(
                "INSERT INTO pipeline.writer_schema (id, topic, sha256, text) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            )
            .bind(id)
            .bind(schema.topic().name())
            .bind(schema.fingerprint().as_slice())
            .bind(schema.text())
            .execute(&mut *tx)
            .await?;
        }
        for schema in new {
            self.insert(&mut tx, schema).await?;
        }
        tx.commit().await?;
        self.reload(&mut *pool.acquire().await?).await
    }

    async fn insert(
        &self,
        connection: &mut PgConnection,
        schema: &WriterSchema,
    ) -> Result<i32, sqlx::Error> {
        let sql = "WITH fresh AS (INSERT INTO pipeline.writer_schema (id, topic, sha256, text)
                       SELECT coalesce(max(id), 0) + 1, $1, $2, $3 FROM pipeline.writer_schema
                       ON CONFLICT (topic, sha256) DO NOTHING RETURNING id)
                   SELECT id FROM fresh UNION ALL SELECT id FROM pipeline.writer_schema WHERE topic = $1 AND sha256 = $2";
        sqlx::query_scalar(sql)
            .bind(schema.topic().name())
            .bind(schema.fingerprint().as_slice())
            .bind(schema.text())
            .fetch_one(connection)
            .await
    }

    async fn reload(&self, connection: &mut PgConnection) -> Result<(), SchemaIdError> {
        let epoch = sqlx::query_scalar("SELECT epoch FROM pipeline.log_head")
            .fetch_one(&mut *connection)
            .await?;
        let rows = sqlx::query("SELECT id, topic, text FROM pipeline.writer_schema")
            .fetch_all(connection)
            .await?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        // What is known of before an epoch stays so until all of it is learnt anew.
        known.epoch.get_or_insert(epoch);
        for row in rows {
            let (id, topic, text): (i32, String, String) =
                (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            let parsed = Topic::parse(&topic)
                .ok_or_else(|| "no such topic".to_owned())
                .and_then(|topic| {
                    WriterSchema::parse(topic, &text).map_err(|error| error.to_string())
                });
            match parsed {
                Ok(schema) => {
                    let key = (schema.topic(), *schema.fingerprint());
                    known.by_fingerprint.insert(key, id);
                    known.by_id.insert(id, schema);
                }
                Err(reason) => {
                    if let Entry::Vacant(place) = known.unusable.entry(id) {
                        tracing::warn!(
                            id,
                            topic,
                            reason,
                            "a writer schema cannot be read by this build"
                        );
                        place.insert((topic, reason));
                    }
                }
            }
        }
        Ok(())
    }

    /// The id of this build's schema of a topic.
    pub fn current(&self, topic: Topic) -> i32 {
        self.known(&WriterSchema::current(topic)).unwrap_or(0)
    }

    fn known(&self, schema: &WriterSchema) -> Option<i32> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let key = (schema.topic(), *schema.fingerprint());
        known.by_fingerprint.get(&key).copied()
    }

    /// The id of any writer schema, noting it when it is new. Under the writer lock.
    pub(crate) async fn ensure(
        &self,
        connection: &mut PgConnection,
        schema: &WriterSchema,
    ) -> Result<i32, sqlx::Error> {
        match self.known(schema) {
            Some(id) => Ok(id),
            None => self.insert(connection, schema).await,
        }
    }

    /// The writer schema of an id.
    pub async fn get(&self, pool: &PgPool, id: i32) -> Result<Arc<WriterSchema>, SchemaIdError> {
        for _ in 0..2 {
            {
                let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
                if let Some(schema) = known.by_id.get(&id) {
                    return Ok(Arc::clone(schema));
                }
                if let Some((topic, reason)) = known.unusable.get(&id).cloned() {
                    return Err(SchemaIdError::Unusable { id, topic, reason });
                }
            }
            let mut connection = pool.acquire().await?;
            self.reload(&mut connection).await?;
        }
        Err(SchemaIdError::Unusable {
            id,
            topic: String::new(),
            reason: "there is no such row".to_owned(),
        })
    }
}
