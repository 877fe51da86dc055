//! No text of a body may hold U+0000: Postgres stores none, in whichever field.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::pointer;
use crate::problem::{FieldProblem, Problem};

/// 422 that points at the text; what is no JSON is left to the parser.
pub(super) fn refuse(json: &[u8]) -> Result<(), Problem> {
    // Written as it is it would be no JSON.
    if !json.windows(ESCAPED.len()).any(|window| window == ESCAPED) {
        return Ok(());
    }
    let mut json = serde_json::Deserializer::from_slice(json);
    match serde_path_to_error::deserialize::<_, Plain>(&mut json) {
        Err(error) if error.inner().is_data() => {
            let (pointer, detail) = pointer::locate(&error);
            Err(Problem::invalid(vec![FieldProblem::at(pointer, detail)]))
        }
        _ => Ok(()),
    }
}

const ESCAPED: &[u8] = br"\u0000";

/// Any JSON whose texts have no U+0000.
struct Plain;

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Plain {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self, E> {
        if text.contains('\0') {
            return Err(E::custom("must not hold the character U+0000"));
        }
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Self, A::Error> {
        while let Some(name) = fields.next_key::<String>()? {
            if name.contains('\0') {
                return Err(A::Error::custom(
                    "must not hold a name with the character U+0000",
                ));
            }
            fields.next_value::<Self>()?;
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nul_is_pointed_at_wherever_it_stands_and_a_backslash_before_u0000_is_none() {
        for (json, pointer) in [
            (r#"{"a": "x\u0000"}"#, "/a"),
            (r#"{"a": [1, {"b": "\u0000"}]}"#, "/a/1/b"),
        ] {
            let problem = refuse(json.as_bytes()).unwrap_err();
            assert_eq!(
                problem.errors()[0].pointer.as_deref(),
                Some(pointer),
                "{json}"
            );
        }
        assert!(refuse(br#"{"a\u0000": 1}"#).is_err());
        for json in [
            r#"{"a": "\\u0000"}"#,
            r#"{"a": 1e400, "b": "\\u0000"}"#,
            r#"{"\\u0000"#,
        ] {
            assert!(refuse(json.as_bytes()).is_ok(), "{json}");
        }
    }
}
