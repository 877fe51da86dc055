//! Free data of a client: a small JSON object, kept as its text.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{AmountText, depth};

const MAX_LENGTH: usize = 4 * 1024;
const DEEPEST: usize = 4;

/// A JSON object of at most 4 KiB and 4 levels, no name twice in one object, kept as it was written.
#[derive(Debug, Clone, ToSchema)]
#[schema(value_type = Object, example = json!({"source": "mobile_app"}))]
pub struct Metadata(Box<RawValue>);

/// Why a text is no metadata, or a field of it not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// Not an object.
    #[error("must be a JSON object")]
    NotAnObject,
    /// Over 4 KiB.
    #[error("must be at most 4096 bytes")]
    TooLong,
    /// Over 4 levels.
    #[error("must be nested at most 4 deep")]
    TooDeep,
    /// A name twice in one object, or a number no one can hold.
    #[error("{0}")]
    Ambiguous(String),
    /// A field that means something here has a type that does not fit.
    #[error("must be {0}")]
    WrongType(&'static str),
}

impl Metadata {
    /// The text, checked.
    pub fn parse(text: &str) -> Result<Self, MetadataError> {
        Self::checked(serde_json::from_str(text).map_err(|_| MetadataError::NotAnObject)?)
    }

    /// The JSON text.
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// A string at the top level.
    pub fn string(&self, name: &str) -> Result<Option<String>, MetadataError> {
        let Some(raw) = self.get(name) else {
            return Ok(None);
        };
        serde_json::from_str(raw.get()).map_err(|_| MetadataError::WrongType("a string"))
    }

    /// An amount at the top level, never by way of a float.
    pub fn amount(&self, name: &str) -> Result<Option<AmountText>, MetadataError> {
        let Some(raw) = self.get(name).filter(|raw| raw.get() != "null") else {
            return Ok(None);
        };
        let wrong =
            MetadataError::WrongType("a decimal amount such as 150.00, without an exponent");
        AmountText::from_raw(&raw).map(Some).ok_or(wrong)
    }

    fn get(&self, name: &str) -> Option<Box<RawValue>> {
        let mut fields: BTreeMap<String, Box<RawValue>> =
            serde_json::from_str(self.as_str()).ok()?;
        fields.remove(name)
    }

    fn checked(raw: Box<RawValue>) -> Result<Self, MetadataError> {
        let text = raw.get();
        if !text.starts_with('{') {
            return Err(MetadataError::NotAnObject);
        }
        if text.len() > MAX_LENGTH {
            return Err(MetadataError::TooLong);
        }
        if depth::exceeds(text.as_bytes(), DEEPEST) {
            return Err(MetadataError::TooDeep);
        }
        unambiguous(text).map_err(|error| MetadataError::Ambiguous(error.to_string()))?;
        Ok(Self(raw))
    }
}

/// Refuses a text in which an object has a name twice: readers would differ on what it says.
pub(crate) fn unambiguous(text: &str) -> Result<(), serde_json::Error> {
    Unambiguous.deserialize(&mut serde_json::Deserializer::from_str(text))
}

impl PartialEq for Metadata {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::checked(Box::<RawValue>::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Walks a value, to the depth that the reader of JSON bounds, and refuses a name that stands twice in one object.
struct Unambiguous;

impl<'de> DeserializeSeed<'de> for Unambiguous {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unambiguous {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(name) = fields.next_key::<String>()? {
            if !seen.insert(name) {
                return Err(A::Error::custom("must not hold a name twice"));
            }
            fields.next_value_seed(Self)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_keeps_its_text_and_gives_out_fields() {
        let text = r#"{"amount": 100.0, "product_id": "prod456", "n": null}"#;
        let metadata = Metadata::parse(text).unwrap();
        assert_eq!(metadata.as_str(), text);
        assert_eq!(
            metadata.amount("amount").unwrap().unwrap().as_str(),
            "100.0"
        );
        assert_eq!(
            metadata.string("product_id").unwrap().as_deref(),
            Some("prod456")
        );
        assert_eq!(metadata.string("n"), Ok(None));
        assert_eq!(metadata.string("absent"), Ok(None));
        assert!(metadata.string("amount").is_err());
        assert!(metadata.amount("product_id").is_err());
    }

    #[test]
    fn what_is_no_object_or_too_large_or_ambiguous_is_refused() {
        assert_eq!(Metadata::parse("[1]"), Err(MetadataError::NotAnObject));
        assert_eq!(Metadata::parse("{"), Err(MetadataError::NotAnObject));
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(4096));
        assert_eq!(Metadata::parse(&long), Err(MetadataError::TooLong));
        assert_eq!(
            Metadata::parse(r#"{"a":[[[[]]]]}"#),
            Err(MetadataError::TooDeep)
        );
        assert!(Metadata::parse(r#"{"a":[[[]]]}"#).is_ok());
        assert!(Metadata::parse(r#"{"a":1,"a":2}"#).is_err());
        assert!(Metadata::parse(r#"{"b":[{"a":1,"\u0061":2}]}"#).is_err());
    }
}
