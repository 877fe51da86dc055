//! Lists can be had as CSV ([`crate::page`]).
//!
//! It is no second type of content: makers of clients would have every list be one or the other, and know neither.

use std::collections::BTreeMap;

use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::ArrayItems;
use utoipa::openapi::{Content, RefOr, Schema};

use super::answers::name_of;
use super::headers;
use crate::page::csv;

/// The extension that lists the columns.
const COLUMNS: &str = "x-csv-columns";
/// What a report has beside its items.
const SUMS: &str = "totals";

/// Says of an operation that answers a page or a report of items with named fields that it has them as CSV too.
pub(super) fn offer(operation: &mut Operation, named: &BTreeMap<String, RefOr<Schema>>) {
    let Some(RefOr::T(response)) = operation.responses.responses.get_mut("200") else {
        return;
    };
    let json = response.content.get("application/json");
    let Some((items, is_whole)) = json.and_then(|content| items(content, named)) else {
        return;
    };
    let columns = csv::of_schema(items, named);
    if columns.is_empty() {
        return;
    }
    let columns = ExtensionsBuilder::new().add(COLUMNS, columns).build();
    response.extensions.get_or_insert_default().merge(columns);
    if is_whole {
        response.description = format!(
            "A report, whole. For who sends `Accept: text/csv` its items are CSV with the columns of `{COLUMNS}`."
        );
        return;
    }
    response.description = format!(
        "A part of a list, newest first. For who sends `Accept: text/csv` its items are CSV with the columns of `{COLUMNS}`, and the next \
         page's cursor is in `Next-Cursor`."
    );
    headers::of_list(response);
}

/// What a page is of, or a report, which is answered whole and with sums; `None` of an answer that is neither.
fn items<'a>(
    content: &'a RefOr<Content>,
    named: &'a BTreeMap<String, RefOr<Schema>>,
) -> Option<(&'a RefOr<Schema>, bool)> {
    let RefOr::T(content) = content else {
        return None;
    };
    let page = match content.schema.as_ref()? {
        RefOr::Ref(reference) => named.get(name_of(reference)?)?,
        page @ RefOr::T(_) => page,
    };
    let RefOr::T(Schema::Object(page)) = page else {
        return None;
    };
    let is_page = page.properties.contains_key("next_cursor");
    let is_whole = page.properties.contains_key(SUMS);
    match page
        .properties
        .get("items")
        .filter(|_| is_page || is_whole)?
    {
        RefOr::T(Schema::Array(array)) => match &array.items {
            ArrayItems::RefOrSchema(items) => Some((items, is_whole)),
            ArrayItems::False => None,
        },
        _ => None,
    }
}
