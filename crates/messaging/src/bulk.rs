//! Writing many rows by one statement, with each column's name, type and value in one place.

use std::fmt::Write;

/// Inserts rows by one statement; nothing when there are none. Each column is `name: type = closure`, with the type of one
/// value in Postgres, so that no two columns can be taken for each other.
///
/// With `numbered by "head"` each new row gets a `position`: the next of those that the single row of that table counts. A row
/// that is there keeps its own.
///
/// After the columns, `on (key) set (column, …)` says what becomes of a row that is there already, with a condition behind
/// it; a text alone is the statement's end as it is.
///
/// ```ignore
/// messaging::insert_rows!(connection, rows => "links" {
///     code: text = |row| row.code.as_str(),
///     position: bigint = |row| row.position,
/// } on (code) set (position))
/// ```
#[macro_export]
macro_rules! insert_rows {
    ($connection:expr, $rows:expr => $table:literal $(numbered by $head:literal)? {
        $($column:ident: $type:ident = $value:expr,)+
    } $(on ($($key:ident),+) set ($($changed:ident),+))? $($end:literal)?) => {
        async {
            static SQL: ::std::sync::LazyLock<String> = ::std::sync::LazyLock::new(|| {
                $crate::bulk::Insert {
                    table: $table,
                    head: concat!("" $(, $head)?),
                    columns: &[$((stringify!($column), stringify!($type))),+],
                    keys: &[$($(stringify!($key)),+)?],
                    changed: &[$($(stringify!($changed)),+)?],
                    end: concat!("" $(, $end)?),
                }
                .sql()
            });
            let rows = $rows;
            if rows.is_empty() {
                return Ok(());
            }
            ::sqlx::query(SQL.as_str())
                $(.bind(rows.iter().map($value).collect::<Vec<_>>()))+
                .execute($connection)
                .await
                .map(|_| ())
        }
    };
}

/// The statement of [`insert_rows!`](crate::insert_rows).
#[doc(hidden)]
#[derive(Debug)]
pub struct Insert {
    pub table: &'static str,
    /// The table that counts positions; empty: the rows have none, or bring their own.
    pub head: &'static str,
    /// Each with the type of one value.
    pub columns: &'static [(&'static str, &'static str)],
    pub keys: &'static [&'static str],
    pub changed: &'static [&'static str],
    pub end: &'static str,
}

impl Insert {
    #[doc(hidden)]
    pub fn sql(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        let arrays = self.columns.iter().enumerate();
        let arrays: Vec<String> = arrays
            .map(|(index, (_, kind))| format!("${}::{kind}[]", index + 1))
            .collect();
        let (table, head) = (self.table, self.head);
        let (columns, arrays) = (names.join(", "), arrays.join(", "));
        let mut sql = if head.is_empty() {
            format!("INSERT INTO {table} ({columns}) SELECT * FROM UNNEST({arrays})")
        } else {
            let kind = self.columns.first().map_or("text", |(_, kind)| kind);
            let count = format!("cardinality($1::{kind}[])");
            let of_row: Vec<String> = names.iter().map(|name| format!("r.{name}")).collect();
            let of_row = of_row.join(", ");
            format!(
                "WITH head AS (UPDATE {head} SET position = position + {count} RETURNING position - {count} AS base) \
                 INSERT INTO {table} (position, {columns}) SELECT head.base + r.ordinal, {of_row} \
                 FROM head, UNNEST({arrays}) WITH ORDINALITY AS r({columns}, ordinal)"
            )
        };
        if !self.keys.is_empty() {
            let changed = self.changed.iter();
            let changed: Vec<String> = changed
                .map(|name| format!("{name} = excluded.{name}"))
                .collect();
            let (keys, changed) = (self.keys.join(", "), changed.join(", "));
            // Writing to a string cannot fail.
            let _ = write!(sql, " ON CONFLICT ({keys}) DO UPDATE SET {changed}");
        }
        if !self.end.is_empty() {
            sql.push(' ');
            sql.push_str(self.end);
        }
        sql
    }
}

#[cfg(test)]
mod tests {
    use super::Insert;

    #[test]
    fn each_column_is_named_beside_its_own_array() {
        let insert = Insert {
            table: "people",
            head: "",
            columns: &[("id", "uuid"), ("name", "text")],
            keys: &["id"],
            changed: &["name"],
            end: "WHERE people.name <> excluded.name",
        };
        assert_eq!(
            insert.sql(),
            "INSERT INTO people (id, name) SELECT * FROM UNNEST($1::uuid[], $2::text[]) \
             ON CONFLICT (id) DO UPDATE SET name = excluded.name WHERE people.name <> excluded.name"
        );
    }
    #[test]
    fn new_rows_are_numbered_from_the_head_on() {
        let insert = Insert {
            table: "people",
            head: "heads",
            columns: &[("id", "uuid"), ("name", "text")],
            keys: &["id"],
            changed: &["name"],
            end: "",
        };
        assert_eq!(
            insert.sql(),
            "WITH head AS (UPDATE heads SET position = position + cardinality($1::uuid[]) \
             RETURNING position - cardinality($1::uuid[]) AS base) \
             INSERT INTO people (position, id, name) SELECT head.base + r.ordinal, r.id, r.name \
             FROM head, UNNEST($1::uuid[], $2::text[]) WITH ORDINALITY AS r(id, name, ordinal) \
             ON CONFLICT (id) DO UPDATE SET name = excluded.name"
        );
    }
}
