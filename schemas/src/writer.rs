//! Writer schemas: this build's own and those that other builds wrote with.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use sha2::{Digest, Sha256};

use crate::codec::cut;
use crate::service::Topic;

/// What one value may allocate while it is decoded; the library's own default is 512 MiB.
const MAX_ALLOCATION_BYTES: usize = 1024 * 1024;
/// The longest schema text that is parsed.
const MAX_SCHEMA_BYTES: usize = 256 * 1024;
/// How many schemas a process keeps; each release has eight at most.
const MAX_SCHEMAS: usize = 1024;

/// Why a text is no writer's schema of a topic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// No Avro, or no schema of this topic.
    #[error("no schema of {topic}: {reason}")]
    Invalid {
        /// The topic that it was shown for.
        topic: Topic,
        /// What is wrong with it.
        reason: String,
    },
    /// This process has seen too many.
    #[error("more than {MAX_SCHEMAS} schemas")]
    TooMany,
}

/// A schema that messages were written with, ready to read them.
pub struct WriterSchema {
    topic: Topic,
    text: String,
    fingerprint: [u8; 32],
    reader: GenericDatumReader<'static>,
}

type Known = HashMap<(Topic, [u8; 32]), Arc<WriterSchema>>;

static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

static CURRENT: LazyLock<[Arc<WriterSchema>; 8]> = LazyLock::new(|| {
    Topic::ALL.map(|topic| {
        #[expect(
            clippy::expect_used,
            reason = "compiled-in text, which the tests parse"
        )]
        WriterSchema::parse(topic, topic.avsc()).expect("the build's own schema is one")
    })
});

static BUILD: LazyLock<[Schema; 8]> = LazyLock::new(|| {
    Topic::ALL.map(|topic| {
        #[expect(
            clippy::expect_used,
            reason = "compiled-in text, which the tests parse"
        )]
        parse(topic.avsc()).expect("the build's own schema is one")
    })
});

/// This build's own schema of a topic.
pub(crate) fn build_schema(topic: Topic) -> &'static Schema {
    &BUILD[topic.index()]
}

fn parse(text: &str) -> Result<Schema, apache_avro::Error> {
    apache_avro::util::max_allocation_bytes(MAX_ALLOCATION_BYTES);
    Schema::parse_str(text)
}

impl WriterSchema {
    /// Parses the schema that messages of a topic were written with. The same text is parsed once per process.
    pub fn parse(topic: Topic, text: &str) -> Result<Arc<Self>, SchemaError> {
        let fingerprint: [u8; 32] = Sha256::digest(text).into();
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(schema) = known.get(&(topic, fingerprint)) {
            return Ok(Arc::clone(schema));
        }
        if known.len() >= MAX_SCHEMAS {
            return Err(SchemaError::TooMany);
        }
        let schema = Arc::new(Self::build(topic, text, fingerprint)?);
        known.insert((topic, fingerprint), Arc::clone(&schema));
        Ok(schema)
    }

    /// The schema that this build writes a topic with.
    pub fn current(topic: Topic) -> Arc<Self> {
        Arc::clone(&CURRENT[topic.index()])
    }

    fn build(topic: Topic, text: &str, fingerprint: [u8; 32]) -> Result<Self, SchemaError> {
        let invalid = |reason| SchemaError::Invalid { topic, reason };
        if text.len() > MAX_SCHEMA_BYTES {
            return Err(invalid("too long".into()));
        }
        let schema = parse(text).map_err(|error| invalid(cut(&error)))?;
        // A reader borrows its schema. Leaking it is what makes both live as long as the process, which keeps
        // every schema anyway; KNOWN bounds how many there are.
        let schema: &'static Schema = Box::leak(Box::new(schema));
        let reader = GenericDatumReader::builder(schema)
            .human_readable(true)
            .build()
            .map_err(|error| invalid(cut(&error)))?;
        Ok(Self {
            topic,
            text: text.to_owned(),
            fingerprint,
            reader,
        })
    }

    /// The topic that it is a schema of.
    pub fn topic(&self) -> Topic {
        self.topic
    }

    /// The text, letter by letter as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// SHA-256 of the text.
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    pub(crate) fn reader(&self) -> &GenericDatumReader<'static> {
        &self.reader
    }
}

impl std::fmt::Debug for WriterSchema {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WriterSchema")
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}
