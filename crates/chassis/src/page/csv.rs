//! Lists as CSV ([RFC 4180](https://www.rfc-editor.org/rfc/rfc4180)), for whoever prefers it by `Accept: text/csv`.
//!
//! The columns are those of the item's documented schema, in its order, whatever the rows hold: a field of an object in a
//! field has both names, `plan.sale.bps`. What is absent is empty; an array is its JSON.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;

/// The media type of a list as CSV.
const MEDIA_TYPE: &str = "text/csv";

/// Schemas inside schemas that are followed; what is deeper is one column, as JSON. A schema may name itself.
const MAX_DEPTH: usize = 12;

/// Whether the client prefers CSV to JSON (RFC 9110, 12.5.1; a range counts for JSON alone).
pub(super) fn preferred(headers: &HeaderMap) -> bool {
    let values = headers.get_all(ACCEPT).into_iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    let (mut csv, mut json) = (0, 0);
    for range in texts.flat_map(|text| text.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        let quality = quality.map_or(1_000, thousandths);
        match &*name {
            MEDIA_TYPE => csv = csv.max(quality),
            "application/json" => json = json.max(quality),
            _ => {}
        }
    }
    csv > 0 && csv >= json
}

/// A quality from 0 to 1 with up to three digits; anything else is 0.
fn thousandths(quality: &str) -> u32 {
    let (whole, digits) = quality.split_once('.').unwrap_or((quality, ""));
    if digits.len() > 3 || !matches!(whole, "0" | "1") {
        return 0;
    }
    format!("{whole}{digits:0<3}")
        .parse()
        .unwrap_or(0)
        .min(1_000)
}

/// The columns of an item, by its schema; none of what has no named fields.
fn columns<T: ToSchema>() -> Vec<String> {
    let mut named = Vec::new();
    T::schemas(&mut named);
    let named: BTreeMap<_, _> = named.into_iter().collect();
    of_schema(&T::schema(), &named)
}

/// The columns of an item with this schema.
pub(crate) fn of_schema(
    schema: &RefOr<Schema>,
    named: &BTreeMap<String, RefOr<Schema>>,
) -> Vec<String> {
    let mut columns = Vec::new();
    push_columns(schema, named, "", 0, &mut columns);
    columns
}

fn push_columns(
    schema: &RefOr<Schema>,
    named: &BTreeMap<String, RefOr<Schema>>,
    within: &str,
    depth: usize,
    columns: &mut Vec<String>,
) {
    let parts = match schema {
        _ if depth > MAX_DEPTH => return,
        RefOr::Ref(reference) => {
            let to = reference.ref_location.rsplit('/').next();
            to.and_then(|to| named.get(to)).map(std::slice::from_ref)
        }
        RefOr::T(Schema::Object(object)) => {
            for (field, schema) in &object.properties {
                let column = format!("{within}{field}");
                let inside = format!("{column}.");
                push_columns(schema, named, &inside, depth + 1, columns);
                let known = |it: &String| *it == column || it.starts_with(&inside);
                if !columns.iter().any(known) {
                    columns.push(column);
                }
            }
            None
        }
        RefOr::T(Schema::AllOf(of)) => Some(&of.items[..]),
        RefOr::T(Schema::OneOf(of)) => Some(&of.items[..]),
        RefOr::T(Schema::AnyOf(of)) => Some(&of.items[..]),
        RefOr::T(_) => None,
    };
    for part in parts.unwrap_or_default() {
        push_columns(part, named, within, depth + 1, columns);
    }
}

/// The items as CSV with a header; `None` for items without named fields.
pub(super) fn written<T: Serialize + ToSchema>(items: &[T]) -> Option<Result<Vec<u8>, csv::Error>> {
    let columns = columns::<T>();
    if columns.is_empty() {
        return None;
    }
    Some(write(&columns, items))
}

fn write<T: Serialize>(columns: &[String], items: &[T]) -> Result<Vec<u8>, csv::Error> {
    let mut rows = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    rows.write_record(columns)?;
    for item in items {
        let item = serde_json::to_value(item).map_err(std::io::Error::from)?;
        rows.write_record(columns.iter().map(|column| cell(&item, column)))?;
    }
    rows.into_inner().map_err(|error| error.into_error().into())
}

fn cell(item: &Value, column: &str) -> String {
    let mut names = column.split('.');
    match names.try_fold(item, |value, name| value.get(name)) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => harmless(text),
        Some(Value::Number(number)) => number.to_string(),
        Some(value) => harmless(&value.to_string()),
    }
}

/// Where lists are separated by semicolons.
const CELL_ENDS: [char; 3] = [';', '\r', '\n'];

/// A text that a spreadsheet would take for a formula has an apostrophe before it; partners and shops choose some of these
/// texts (<https://owasp.org/www-community/attacks/CSV_Injection>). Where lists are separated by semicolons a spreadsheet
/// begins another cell behind each, and behind the end of a line. Numbers stay, unless what comes in the next column would be of their cell.
fn harmless(text: &str) -> String {
    let mut all = String::new();
    if text.starts_with(['\r', '\n']) {
        all.push('\'');
    }
    for (at, part) in text.split_inclusive(CELL_ENDS).enumerate() {
        let begins = part.trim_start_matches([' ', '"']);
        let (before, cell) = part.split_at(part.len() - begins.len());
        all.push_str(before);
        all.push_str(&harmless_cell(cell, at == 0 || cell.ends_with(CELL_ENDS)));
    }
    all
}

fn harmless_cell(text: &str, may_be_number: bool) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t']);
    let number = text.strip_prefix('-').is_some_and(|rest| {
        let rest = rest.trim_end_matches(CELL_ENDS);
        !rest.is_empty()
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.')
    });
    if formula && !(number && may_be_number) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[derive(Serialize, ToSchema)]
    struct Reward {
        #[serde(skip_serializing_if = "Option::is_none")]
        bps: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        flat: Option<String>,
    }

    #[derive(Serialize, ToSchema)]
    struct Sold {
        order_id: String,
        reward: Option<Reward>,
        hosts: Vec<String>,
        amount: String,
    }

    fn sold(order: &str, amount: &str, reward: Option<Reward>) -> Sold {
        Sold {
            order_id: order.to_owned(),
            reward,
            hosts: vec!["a".to_owned(), "b".to_owned()],
            amount: amount.to_owned(),
        }
    }

    fn text(items: &[Sold]) -> String {
        String::from_utf8(written(items).unwrap().unwrap()).unwrap()
    }

    #[test]
    fn the_columns_are_those_of_the_schema_in_its_order_whatever_the_rows_hold() {
        let header = "order_id,reward.bps,reward.flat,hosts,amount\r\n";
        assert_eq!(text(&[]), header);
        let reward = Reward {
            bps: Some(1000),
            flat: None,
        };
        let items = [
            sold("o1", "5.00", Some(reward)),
            sold("o, \"2\"", "6.00", None),
        ];
        let rows = "o1,1000,,\"[\"\"a\"\",\"\"b\"\"]\",5.00\r\n\"o, \"\"2\"\"\",,,\"[\"\"a\"\",\"\"b\"\"]\",6.00\r\n";
        assert_eq!(text(&items), format!("{header}{rows}"));
        assert!(written::<i64>(&[1]).is_none(), "a number has no columns");
    }

    #[test]
    fn a_text_that_a_spreadsheet_would_run_is_harmless_and_a_negative_amount_stays_a_number() {
        for text in [
            "=HYPERLINK(\"x\")",
            "+1",
            "@SUM(A1)",
            "-1+cmd",
            "-",
            "\t=1",
            "\r",
            "\n",
        ] {
            assert_eq!(harmless(text), format!("'{text}"));
        }
        for text in [
            "-5.00",
            "5.00",
            "o-1",
            "",
            "a; b;-5;",
            "-5;-6;",
            "a\r\n\r\nb",
        ] {
            assert_eq!(harmless(text), text);
        }
        // Where a semicolon begins another cell.
        assert_eq!(harmless("a;=1; \"@B1"), "a;'=1; \"'@B1");
        assert_eq!(harmless("a\r\n=1\n -x"), "a\r\n'=1\n '-x");
        assert_eq!(harmless("x;-5"), "x;'-5", "the next column goes on");
        let several = Sold {
            hosts: vec!["a;=1+1".to_owned(), ";@B1".to_owned()],
            ..sold("o1", "5.00", None)
        };
        assert!(text(&[several]).ends_with(",\"[\"\"a;'=1+1\"\",\"\";'@B1\"\"]\",5.00\r\n"));
    }

    #[test]
    fn csv_is_preferred_by_who_names_it_and_not_json_before_it() {
        let preferred = |value: &'static str| {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(value))]);
            super::preferred(&headers)
        };
        for value in [
            "text/csv",
            "Text/CSV; charset=utf-8",
            "text/csv, */*;q=0.1",
            "application/json;q=0.5, text/csv;q=0.9",
        ] {
            assert!(preferred(value), "{value}");
        }
        for value in [
            "*/*",
            "application/json",
            "text/csv;q=0",
            "text/csv;q=0.2, application/json",
            "text/html",
            "text/csv;q=2.5",
        ] {
            assert!(!preferred(value), "{value}");
        }
        assert!(!super::preferred(&HeaderMap::new()));
    }
}
