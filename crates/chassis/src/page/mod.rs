//! Lists in pages: newest first, by position in the service's log.

pub(crate) mod csv;

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::json::Json;
use crate::openapi::described_once;
use crate::params::{from_pairs, pairs, parameter};
use crate::problem::Problem;

const DEFAULT_LIMIT: u16 = 50;
const MAX_LIMIT: u16 = 200;
/// Items of a list as CSV, where no limit is given.
const CSV_LIMIT: u16 = 1_000;
/// First byte of a cursor, so that its meaning can change without guessing.
const CURSOR_VERSION: u8 = 1;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageQuery {
    /// Items at most.
    pub limit: u16,
    /// Where it goes on.
    pub cursor: Option<Cursor>,
    /// As what it is wanted.
    pub form: Form,
}

/// As it is described.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "what it documents is read by `List`")]
struct Described {
    /// Items at most: 1 to 200; when absent 50, and 1000 as CSV.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

described_once!(PageQuery, Described);

/// As what a list is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// A [`Page`] as JSON.
    #[default]
    Json,
    /// Its items as CSV, and [`NEXT_CURSOR`]: for who prefers it by `Accept`.
    Csv,
}

impl Form {
    fn of(headers: &HeaderMap) -> Self {
        if csv::preferred(headers) {
            Self::Csv
        } else {
            Self::Json
        }
    }

    /// The items as CSV, where that is wanted and they have named fields.
    pub fn csv<T: Serialize + ToSchema>(self, items: &[T]) -> Option<Response> {
        if self != Self::Csv {
            return None;
        }
        Some(match csv::written(items)? {
            Err(error) => Problem::internal(&error).into_response(),
            Ok(body) => {
                let kind = HeaderValue::from_static("text/csv; charset=utf-8; header=present");
                (HeaderMap::from_iter([(CONTENT_TYPE, kind)]), body).into_response()
            }
        })
    }
}

impl<S: Sync> FromRequestParts<S> for Form {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}

/// The header that has `next_cursor` of a list as CSV; absent on the last page.
pub const NEXT_CURSOR: &str = "next-cursor";

/// A place in a list; opaque to clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The position of the last item of the page before: go on below it.
    pub position: i64,
}

/// `limit`, `cursor`, and the filters `F`: put `#[serde(deny_unknown_fields)]` and
/// `#[into_params(parameter_in = Query)]` on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct List<F> {
    /// Which part of the list.
    pub page: PageQuery,
    /// Which of its items.
    pub filter: F,
}

/// A list without filters: `List<NoFilter>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoFilter {}

/// A part of a list, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page starts; `null` on the last.
    pub next_cursor: Option<String>,
    /// As what it is answered.
    #[serde(skip)]
    form: Form,
}

impl PageQuery {
    /// Rows to read: one more than the page holds shows whether another follows.
    pub fn rows(self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// Rows have positions below this: `WHERE position < $1 ORDER BY position DESC LIMIT $2`.
    pub fn below(self) -> i64 {
        self.cursor.map_or(i64::MAX, |cursor| cursor.position)
    }
}

impl<T> Page<T> {
    /// A page of up to [`PageQuery::rows`] rows, each turned into an item; `position` as stored.
    pub fn new<R>(
        query: PageQuery,
        mut rows: Vec<R>,
        position: impl Fn(&R) -> i64,
        item: impl Fn(R) -> T,
    ) -> Self {
        let limit = usize::from(query.limit);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|_| more).map(|row| Cursor {
            position: position(row),
        });
        Self::with(query, rows.into_iter().map(item).collect(), last)
    }

    /// A page of these items, and where the next one starts, for lists that find them otherwise.
    pub fn with(query: PageQuery, items: Vec<T>, next: Option<Cursor>) -> Self {
        Self {
            items,
            next_cursor: next.map(Cursor::encode),
            form: query.form,
        }
    }
}

impl<T: Serialize + ToSchema> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        let Some(mut response) = self.form.csv(&self.items) else {
            return Json(self).into_response();
        };
        let next = self.next_cursor.map(HeaderValue::try_from);
        if let Some(Ok(next)) = next {
            response.headers_mut().insert(NEXT_CURSOR, next);
        }
        response
    }
}

impl Cursor {
    /// The text that clients hand back.
    pub fn encode(self) -> String {
        let mut bytes = vec![CURSOR_VERSION];
        bytes.extend(self.position.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// What [`Cursor::encode`] wrote; anything else is `None`.
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (&version, position) = bytes.split_first()?;
        let position = i64::from_be_bytes(position.try_into().ok()?);
        (version == CURSOR_VERSION && position >= 0).then_some(Self { position })
    }
}

impl<F: DeserializeOwned, S: Sync> FromRequestParts<S> for List<F> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let (page, filters) = page_and_filters(parts)?;
        Ok(Self {
            page,
            filter: from_pairs(&filters)?,
        })
    }
}

fn page_and_filters(parts: &Parts) -> Result<(PageQuery, Vec<(String, String)>), Problem> {
    let form = Form::of(&parts.headers);
    let limit = match form {
        Form::Csv => CSV_LIMIT,
        Form::Json => DEFAULT_LIMIT,
    };
    let mut page = PageQuery {
        limit,
        cursor: None,
        form,
    };
    let mut filters = Vec::new();
    for (name, value) in pairs(parts.uri.query().unwrap_or_default())? {
        match name.as_str() {
            "limit" => page.limit = given_limit(&value)?,
            "cursor" => page.cursor = Some(cursor(&value)?),
            _ => filters.push((name, value)),
        }
    }
    Ok((page, filters))
}

fn given_limit(value: &str) -> Result<u16, Problem> {
    let limit = value
        .parse()
        .ok()
        .filter(|limit| (1..=MAX_LIMIT).contains(limit));
    limit.ok_or_else(|| parameter("limit".to_owned(), format!("must be 1 to {MAX_LIMIT}")))
}

fn cursor(value: &str) -> Result<Cursor, Problem> {
    let detail = "must be a next_cursor as it was given";
    Cursor::decode(value).ok_or_else(|| parameter("cursor".to_owned(), detail.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was_and_nothing_else_is_one() {
        let cursor = Cursor { position: 12_345 };
        assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        for text in [
            "",
            "AQ",
            "!!",
            "AgAAAAAAADA5",
            "Af__________",
            "AQAAAAAAADA5AA",
        ] {
            assert_eq!(Cursor::decode(text), None, "{text}");
        }
    }

    #[test]
    fn a_full_page_names_the_next_and_the_last_does_not() {
        let query = PageQuery {
            limit: 2,
            cursor: None,
            form: Form::Json,
        };
        let page = Page::new(query, vec![9_i64, 8, 7], |row| *row, |row| row);
        assert_eq!(page.items, [9, 8]);
        let next = page.next_cursor.as_deref().and_then(Cursor::decode);
        assert_eq!(next, Some(Cursor { position: 8 }));
        assert_eq!(
            Page::new(query, vec![7_i64, 6], |row| *row, |row| row).next_cursor,
            None
        );
    }
}
