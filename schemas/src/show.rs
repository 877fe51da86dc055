//! Messages as operators see and edit them: by the schema that wrote them, whether or not this build knows the kind, and
//! never what is sealed.

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::types::Value as Avro;
use serde_json::{Map, Value};

use crate::codec::{DecodeError, decode_header};
use crate::cut::cut;
use crate::json::{value, without_nulls};
use crate::kinds::{Body, EditError, Kind, body_from_json, kind_on};
use crate::service::Topic;
use crate::writer::WriterSchema;

/// What stands for bytes that are not shown: sealed payment details, keys.
const HIDDEN: &str = "hidden";

/// A whole message by its writer's schema, under its names on the wire, without nulls. Bytes are hidden: how many there
/// are is all that is said of them.
pub fn show(schema: &WriterSchema, bytes: &[u8]) -> Result<Value, DecodeError> {
    // From here on the bytes are known to be sound, so nothing malformed reaches the library.
    decode_header(schema, bytes)?;
    Ok(without_nulls(whole(schema, bytes, &|bytes| {
        hidden(bytes.len()).into()
    })?))
}

/// A sound message as JSON, with its bytes as `of_bytes` has them.
fn whole(
    schema: &WriterSchema,
    bytes: &[u8],
    of_bytes: &dyn Fn(Vec<u8>) -> Value,
) -> Result<Value, DecodeError> {
    let malformed = |error: &dyn std::fmt::Display| DecodeError::Malformed(cut(&error));
    let schema = Schema::parse_str(schema.text()).map_err(|error| malformed(&error))?;
    let reader = GenericDatumReader::builder(&schema).build();
    let reader = reader.map_err(|error| malformed(&error))?;
    let value = reader.read_value(&mut &bytes[..]);
    Ok(json(value.map_err(|error| malformed(&error))?, of_bytes))
}

fn json(value: Avro, of_bytes: &dyn Fn(Vec<u8>) -> Value) -> Value {
    let json = |value| json(value, of_bytes);
    let object = |fields: &mut dyn Iterator<Item = (String, Avro)>| -> Value {
        let fields = fields.map(|(name, value)| (name, json(value)));
        fields.collect::<Map<_, _>>().into()
    };
    match value {
        Avro::Boolean(value) => value.into(),
        Avro::Int(value) | Avro::Date(value) | Avro::TimeMillis(value) => value.into(),
        Avro::Long(value)
        | Avro::TimeMicros(value)
        | Avro::TimestampMillis(value)
        | Avro::TimestampMicros(value) => value.into(),
        Avro::String(text) | Avro::Enum(_, text) => text.into(),
        Avro::Uuid(id) => id.to_string().into(),
        Avro::Union(_, value) => json(*value),
        Avro::Array(items) => items.into_iter().map(json).collect(),
        Avro::Map(items) => object(&mut items.into_iter()),
        Avro::Record(fields) => object(&mut fields.into_iter()),
        Avro::Bytes(bytes) | Avro::Fixed(_, bytes) => of_bytes(bytes),
        Avro::Null => Value::Null,
        _ => HIDDEN.into(),
    }
}

fn hidden(bytes: usize) -> String {
    format!("{HIDDEN}: {bytes} bytes")
}

/// A message's payload as [`show`] has it.
pub fn show_payload(body: &Body) -> Value {
    without_nulls(hide(value(body)))
}

/// In JSON, bytes are a list of numbers: the schemas have no other such list.
fn hide(value: Value) -> Value {
    match value {
        Value::Array(items) if is_bytes(&items) => hidden(items.len()).into(),
        Value::Array(items) => items.into_iter().map(hide).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (name, hide(value)));
            fields.collect::<Map<_, _>>().into()
        }
        other => other,
    }
}

pub(crate) fn is_bytes(items: &[Value]) -> bool {
    !items.is_empty() && items.iter().all(Value::is_number)
}

/// A payload of the same kind as a message's own, from JSON as [`show_payload`] gives it. What is hidden must be left as it
/// is shown, and stays. The message's own may be one that this build cannot read.
pub fn edit(schema: &WriterSchema, bytes: &[u8], edited: Value) -> Result<Body, EditError> {
    let unreadable = |error: DecodeError| EditError {
        pointer: String::new(),
        detail: error.to_string(),
    };
    let header = decode_header(schema, bytes).map_err(unreadable)?;
    let field = kind_on(schema.topic(), &header.kind).map_or("unknown", |kind| kind.field);
    let own = whole(schema, bytes, &|bytes| bytes.into()).map_err(unreadable)?;
    let restored = restore(edited, &own["payload"][field], &mut String::new())?;
    from_json(schema.topic(), field, &restored)
}

/// A payload of this kind, from JSON under its names on the wire.
pub fn payload(kind: &Kind, json: &Value) -> Result<Body, EditError> {
    from_json(kind.topic, kind.field, json)
}

fn from_json(topic: Topic, field: &str, json: &Value) -> Result<Body, EditError> {
    let body = body_from_json(topic, field, json.clone())?;
    match unknown_field(json, &value(&body), "") {
        Some(pointer) => Err(EditError {
            pointer,
            detail: "the schema has no such field".to_owned(),
        }),
        None => Ok(body),
    }
}

/// Puts what is hidden back in its place.
fn restore(edited: Value, own: &Value, pointer: &mut String) -> Result<Value, EditError> {
    let length = pointer.len();
    match (edited, own) {
        (edited, Value::Array(items)) if is_bytes(items) => {
            if edited == hidden(items.len()) {
                return Ok(own.clone());
            }
            Err(EditError {
                pointer: pointer.clone(),
                detail: "what is hidden cannot be edited: leave it as it is shown".to_owned(),
            })
        }
        (Value::Object(fields), own) => {
            let mut restored = Map::new();
            for (name, edited) in fields {
                pointer.push('/');
                pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
                let value = restore(edited, own.get(&name).unwrap_or(&Value::Null), pointer)?;
                pointer.truncate(length);
                restored.insert(name, value);
            }
            Ok(restored.into())
        }
        (edited, _) => Ok(edited),
    }
}

/// The first field that was given and is not there once it was read.
fn unknown_field(given: &Value, read: &Value, pointer: &str) -> Option<String> {
    match (given, read) {
        (Value::Object(given), read) => given.iter().find_map(|(name, given)| {
            let pointer = format!("{pointer}/{name}");
            match read.get(name) {
                Some(read) => unknown_field(given, read, &pointer),
                None => Some(pointer),
            }
        }),
        (Value::Array(given), Value::Array(read)) => {
            given
                .iter()
                .zip(read)
                .enumerate()
                .find_map(|(index, (given, read))| {
                    unknown_field(given, read, &format!("{pointer}/{index}"))
                })
        }
        _ => None,
    }
}
