//! What this build reads and writes with: each topic's schema parsed once, with its reusable writer and readers.

use std::sync::{Arc, LazyLock};

use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use apache_avro::{AvroResult, Schema};
use serde_json::Value;

use crate::service::Topic;
use crate::shape::Shape;

/// What one value may allocate while it is decoded; the library's own default is 512 MiB. Lengths are checked
/// against the bytes that are there before the library sees them: this is the second fence.
const MAX_ALLOCATION_BYTES: usize = 1024 * 1024;

/// This build's way to read and write a topic.
pub(crate) struct Build {
    pub(crate) shape: Arc<Shape>,
    /// The envelope without its payload.
    pub(crate) header_shape: Arc<Shape>,
    pub(crate) writer: GenericDatumWriter<'static>,
    pub(crate) reader: GenericDatumReader<'static>,
    pub(crate) header_reader: GenericDatumReader<'static>,
}

/// Bounds what the Avro library allocates for one value. It takes the first bound that it meets in a process, so
/// whoever else decodes with it calls this first.
pub fn bound_allocations() {
    apache_avro::util::max_allocation_bytes(MAX_ALLOCATION_BYTES);
}

static BUILDS: LazyLock<[Build; Topic::ALL.len()]> = LazyLock::new(|| {
    bound_allocations();
    Topic::ALL.map(|topic| {
        #[expect(
            clippy::expect_used,
            reason = "compiled-in text, which the tests parse"
        )]
        Build::new(topic.avsc()).expect("the build's own schema is one")
    })
});

/// This build's way to read and write a topic.
pub(crate) fn build(topic: Topic) -> &'static Build {
    &BUILDS[topic.index()]
}

impl Build {
    fn new(text: &str) -> Result<Self, String> {
        let header_text = without_payload(text)?;
        let schema = parse(text).map_err(|error| error.to_string())?;
        let header_schema = parse(&header_text).map_err(|error| error.to_string())?;
        Ok(Self {
            shape: Shape::parse(text)?,
            header_shape: Shape::parse(&header_text)?,
            writer: GenericDatumWriter::builder(schema)
                .human_readable(true)
                .build()
                .map_err(|error| error.to_string())?,
            reader: reader(schema).map_err(|error| error.to_string())?,
            header_reader: reader(header_schema).map_err(|error| error.to_string())?,
        })
    }
}

/// Readers and writers borrow their schema. These live as long as the process: two for each topic, parsed once.
fn parse(text: &str) -> AvroResult<&'static Schema> {
    Ok(Box::leak(Box::new(Schema::parse_str(text)?)))
}

fn reader(schema: &'static Schema) -> AvroResult<GenericDatumReader<'static>> {
    GenericDatumReader::builder(schema)
        .human_readable(true)
        .build()
}

fn without_payload(text: &str) -> Result<String, String> {
    let mut json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let fields = json["fields"].as_array_mut().ok_or("no record")?;
    fields.retain(|field| field["name"] != "payload");
    Ok(json.to_string())
}
