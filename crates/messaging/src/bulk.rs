//! Writing many rows by one statement, with each column's name, type and value in one place.

use std::fmt::Write;

/// Inserts rows by one statement; nothing when there are none. Each column is `name: type = closure`, with the type of one
/// value in Postgres, so that no two columns can be taken for each other.
///
/// With `numbered by "head"` each new row gets a `position`: the next of those that the single row of that table counts. A row
/// that is there keeps its own.
///
/// After the columns, `on (key) set (column, …)` says what becomes of a row that is there already, with a condition behind
/// it; a text alone is the statement's end as it is. `new if` names the rows that are known not to be there: they are written by a
/// statement of their own, which costs a quarter less, since Postgres need not be ready to take each of them back.
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
    } on ($($key:ident),+) set ($($changed:ident),+) new if $is_new:expr) => {
        async {
            static NEW: ::std::sync::LazyLock<String> = $crate::insert_rows!(@sql
                $table, concat!("" $(, $head)?), [$($column: $type),+], [], [], "");
            static KNOWN: ::std::sync::LazyLock<String> = $crate::insert_rows!(@sql
                $table, concat!("" $(, $head)?), [$($column: $type),+], [$($key),+], [$($changed),+], "");
            let rows = $rows;
            let (new, known) = $crate::bulk::split(&rows[..], $is_new);
            $crate::insert_rows!(@write &mut *$connection, KNOWN, known, [$($value),+]);
            $crate::insert_rows!(@write &mut *$connection, NEW, new, [$($value),+]);
            Ok::<(), ::sqlx::Error>(())
        }
    };
    ($connection:expr, $rows:expr => $table:literal $(numbered by $head:literal)? {
        $($column:ident: $type:ident = $value:expr,)+
    } $(on ($($key:ident),+) set ($($changed:ident),+))? $($end:literal)?) => {
        async {
            static SQL: ::std::sync::LazyLock<String> = $crate::insert_rows!(@sql
                $table, concat!("" $(, $head)?), [$($column: $type),+], [$($($key),+)?], [$($($changed),+)?], concat!("" $(, $end)?));
            let rows: Vec<_> = $rows.iter().collect();
            $crate::insert_rows!(@write $connection, SQL, rows, [$($value),+]);
            Ok::<(), ::sqlx::Error>(())
        }
    };
    (@sql $table:literal, $head:expr, [$($column:ident: $type:ident),+], [$($key:ident),*], [$($changed:ident),*], $end:expr) => {
        ::std::sync::LazyLock::new(|| {
            $crate::bulk::Insert {
                table: $table,
                head: $head,
                columns: &[$((stringify!($column), stringify!($type))),+],
                keys: &[$(stringify!($key)),*],
                changed: &[$(stringify!($changed)),*],
                end: $end,
            }
            .sql()
        })
    };
    (@write $connection:expr, $sql:ident, $rows:ident, [$($value:expr),+]) => {
        if !$rows.is_empty() {
            ::sqlx::query($sql.as_str())
                $(.bind($rows.iter().copied().map($value).collect::<Vec<_>>()))+
                .execute($connection)
                .await?;
        }
    };
}

/// These rows, and the others.
#[doc(hidden)]
pub fn split<T>(rows: &[T], these: impl Fn(&T) -> bool) -> (Vec<&T>, Vec<&T>) {
    let (mut some, mut others) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in rows {
        if these(row) {
            some.push(row);
        } else {
            others.push(row);
        }
    }
    (some, others)
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
