//! Writer schemas: this build's own and those that other builds wrote with.

use std::sync::{Arc, LazyLock};

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::build::build;
use crate::compat::first_unrelated;
use crate::cut::cut;
use crate::service::Topic;
use crate::shape::Shape;

/// The longest schema text that is parsed.
const MAX_SCHEMA_BYTES: usize = 256 * 1024;

/// Why a text is no writer's schema of a topic.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// No Avro schema that this crate reads.
    #[error("no schema for {topic}: {reason}")]
    Invalid {
        /// The topic that it was shown for.
        topic: Topic,
        /// What is wrong with it, cut to a bounded length.
        reason: String,
    },
    /// A schema, but neither this build's nor an earlier or later one of the same line.
    #[error("not of the line of {topic}'s schemas: {reason}")]
    Unrelated {
        /// The topic that it was shown for.
        topic: Topic,
        /// The first difference, cut to a bounded length.
        reason: String,
    },
}

/// A schema that messages were written with: this build's own, an earlier one, or a later one with additions.
#[derive(Debug)]
pub struct WriterSchema {
    topic: Topic,
    text: String,
    fingerprint: [u8; 32],
    layout: [u8; 32],
    shape: Arc<Shape>,
}

static CURRENT: LazyLock<[Arc<WriterSchema>; Topic::ALL.len()]> = LazyLock::new(|| {
    Topic::ALL.map(|topic| {
        #[expect(
            clippy::expect_used,
            reason = "compiled-in text, which the tests parse"
        )]
        WriterSchema::of(topic, topic.avsc(), Arc::clone(&build(topic).shape))
            .expect("the build's own schema is one")
    })
});

/// What a reader of bytes needs to know of a schema; documentation, defaults and aliases are not of it.
const OF_LAYOUT: [&str; 8] = [
    "fields",
    "items",
    "logicalType",
    "name",
    "size",
    "symbols",
    "type",
    "values",
];

fn layout(text: &str) -> Result<[u8; 32], String> {
    let schema: Value = serde_json::from_str(text).map_err(|error| cut(&error))?;
    let mut digest = Sha256::new();
    digest_layout(&schema, &mut digest);
    Ok(digest.finalize().into())
}

/// Each value with its kind and length before it, fields of objects in a fixed order.
fn digest_layout(value: &Value, digest: &mut Sha256) {
    let mut mark = |kind: &str, length: usize| digest.update(format!("{kind}{length}:"));
    match value {
        Value::Object(fields) => {
            let kept = OF_LAYOUT
                .into_iter()
                .filter_map(|name| Some((name, fields.get(name)?)));
            mark("o", kept.clone().count());
            for (name, value) in kept {
                digest.update(name);
                digest_layout(value, digest);
            }
        }
        Value::Array(items) => {
            mark("a", items.len());
            for item in items {
                digest_layout(item, digest);
            }
        }
        Value::String(text) => {
            mark("s", text.len());
            digest.update(text);
        }
        other => {
            let text = other.to_string();
            mark("v", text.len());
            digest.update(text);
        }
    }
}

impl WriterSchema {
    /// Parses the schema that messages of a topic were written with. One that is not this build's costs about as much as fifty messages: keep
    /// what it returns.
    pub fn parse(topic: Topic, text: &str) -> Result<Arc<Self>, SchemaError> {
        let invalid = |reason| SchemaError::Invalid { topic, reason };
        if text.len() > MAX_SCHEMA_BYTES {
            return Err(invalid("too long".into()));
        }
        if text == topic.avsc() {
            return Ok(Self::current(topic));
        }
        let shape = Shape::parse(text).map_err(|reason| invalid(cut(&reason)))?;
        if let Some(difference) = first_unrelated(&shape, &build(topic).shape) {
            return Err(SchemaError::Unrelated {
                topic,
                reason: cut(&difference),
            });
        }
        Self::of(topic, text, shape).map_err(invalid)
    }

    fn of(topic: Topic, text: &str, shape: Arc<Shape>) -> Result<Arc<Self>, String> {
        Ok(Arc::new(Self {
            topic,
            text: text.to_owned(),
            fingerprint: Sha256::digest(text).into(),
            layout: layout(text)?,
            shape,
        }))
    }

    /// The schema that this build writes a topic with.
    pub fn current(topic: Topic) -> Arc<Self> {
        Arc::clone(&CURRENT[topic.index()])
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

    /// SHA-256 of what of the text says how bytes are read: the same for every text that a registry takes for the same.
    pub fn layout(&self) -> &[u8; 32] {
        &self.layout
    }

    /// Of this build's own text it is the one that the build reads with.
    pub(crate) fn shape(&self) -> &Shape {
        &self.shape
    }
}
